import type { FastifyReply } from 'fastify';
import { newId } from '../../../base/ids.ts';
import {
  decodeCursor,
  encodeCursor,
  type HttpServer,
  ListOf,
  placePart,
  toPage,
} from '../../../platform/http/index.ts';
import {
  actorOf,
  markReplay,
  onceByKey,
  readIdempotency,
  type Stored,
  withoutBlindRetry,
} from '../../accounts/index.ts';
import { chatErrors } from '../errors.ts';
import { listSessions, type SessionRow, searchSessions, updateSession } from '../queries.ts';
import { removeSession } from '../remove-session.ts';
import { CreateSession, DeletedSession, Session, SessionListQuery, SessionParams, UpdateSession } from '../schemas.ts';
import { isUnchanged, setVersion, Unchanged } from './conditional-read.ts';
import type { ChatRouteOptions } from './options.ts';

const tags = ['Chat sessions'];

function toSession(row: SessionRow): Session {
  return {
    id: row.id,
    object: 'chat.session',
    title: row.title,
    assistant: row.assistant,
    model: row.model,
    message_count: row.message_count,
    created_at: row.created_at.toISOString(),
    updated_at: row.updated_at.toISOString(),
  };
}

function registerCreate(server: HttpServer, options: ChatRouteOptions): void {
  server.post(
    '/v1/chat/sessions',
    {
      config: { access: 'chat:write', budgetMs: options.sessionCreateBudgetMs, answersWith: ['ETag'] },
      schema: {
        tags,
        operationId: 'createSession',
        summary: 'Create a chat session',
        body: CreateSession,
        response: { 201: Session },
      },
    },
    async (request, reply) => {
      const { title = null, assistant = null, model = null } = request.body;
      options.assistants.get(assistant);
      if (model !== null) options.models.get(model);
      const session = {
        ...actorOf(request.caller),
        ...readIdempotency(request),
        id: newId(),
        title,
        assistant,
        model,
      };
      const row = await withoutBlindRetry({ request, reply }, () =>
        onceByKey(() => options.batches.insertSession(session, request.context)),
      );
      if (row === undefined) throw new Error('An insert answered no row.');
      if (row.replayed) markReplay(reply);
      const created = row.session as Stored<SessionRow>;
      setVersion(reply, created.version);
      reply.code(201);
      return toSession({
        ...created,
        created_at: new Date(created.created_at),
        updated_at: new Date(created.updated_at),
      });
    },
  );
}

/**
 * What is looked for, divided as the index divides messages, or an address would be no word of it; but a hyphen that begins a
 * word stays, and means: without it. Not between quotes, where it means nothing, and `-9` would be another number than `9`.
 */
function divideWords(words: string): string {
  const divide = (part: string, index: number) =>
    part.replaceAll(index % 2 === 1 ? /[_@/~<-]/g : /[_@/~<]|(?<=[^ ])-/g, ',');
  return words.split('"').map(divide).join('"');
}

function registerList(server: HttpServer, { database }: ChatRouteOptions): void {
  server.get(
    '/v1/chat/sessions',
    {
      config: { access: 'chat:read' },
      schema: {
        tags,
        operationId: 'listSessions',
        summary: 'List your chat sessions, or search in them',
        description: 'The session with the newest activity first.',
        querystring: SessionListQuery,
        response: { 200: ListOf(Session) },
      },
    },
    async (request) => {
      const { userId } = request.caller;
      const { limit, cursor, assistant = null, q: words } = request.query;
      const scope = JSON.stringify(['sessions', userId, assistant, words]);
      const [updatedAtMs, afterId = null] = decodeCursor(scope, cursor, [placePart.timeMs, placePart.id]);
      const page = {
        userId,
        assistant,
        afterUpdatedAt: updatedAtMs === undefined ? null : new Date(updatedAtMs),
        afterId,
        limit: limit + 1,
      };
      const statement =
        words === undefined ? listSessions(page) : searchSessions({ ...page, words: divideWords(words) });
      const rows = await database.query(statement, request.context);
      return toPage(rows, limit, {
        item: toSession,
        cursor: (row) => encodeCursor(scope, [row.updated_at.getTime(), row.id]),
      });
    },
  );
}

function registerGet(server: HttpServer, { batches }: ChatRouteOptions): void {
  server.get(
    '/v1/chat/sessions/:session_id',
    {
      config: { access: 'chat:read' },
      schema: {
        tags,
        operationId: 'readSession',
        summary: 'Read a chat session',
        description: 'With `If-None-Match` and an ETag of before: 304 when nothing has changed.',
        params: SessionParams,
        response: { 200: Session, 304: Unchanged },
      },
    },
    async (request, reply) => {
      const [row] = await batches.findSession(
        { userId: request.caller.userId, id: request.params.session_id },
        request.context,
      );
      if (row === undefined) throw chatErrors.raise.session_not_found();
      if (isUnchanged(request, reply, row.version)) return (reply as FastifyReply).send();
      return toSession(row);
    },
  );
}

function registerUpdate(server: HttpServer, { database, models }: ChatRouteOptions): void {
  server.patch(
    '/v1/chat/sessions/:session_id',
    {
      config: { access: 'chat:write', answersWith: ['ETag'] },
      schema: {
        tags,
        operationId: 'updateSession',
        summary: 'Change the title or the model of a chat session',
        params: SessionParams,
        body: UpdateSession,
        response: { 200: Session },
      },
    },
    async (request, reply) => {
      const { title, model } = request.body;
      if (model != null) models.get(model);
      const change = {
        setTitle: title !== undefined,
        title: title ?? null,
        setModel: model !== undefined,
        model: model ?? null,
      };
      const [row] = await database.query(
        updateSession({ ...actorOf(request.caller), id: request.params.session_id, ...change }),
        request.context,
      );
      if (row === undefined) throw chatErrors.raise.session_not_found();
      setVersion(reply, row.version);
      return toSession(row);
    },
  );
}

function registerDelete(server: HttpServer, { database }: ChatRouteOptions): void {
  server.delete(
    '/v1/chat/sessions/:session_id',
    {
      config: { access: 'chat:write' },
      schema: {
        tags,
        operationId: 'deleteSession',
        summary: 'Delete a chat session with its messages',
        params: SessionParams,
        response: { 200: DeletedSession },
      },
    },
    async (request) => {
      const id = request.params.session_id;
      const wasThere = await removeSession(database, { ...actorOf(request.caller), id }, request.context);
      if (!wasThere) throw chatErrors.raise.session_not_found();
      return { id, object: 'chat.session' as const, deleted: true as const };
    },
  );
}

/** Registers the routes of chat sessions themselves. */
export function registerSessionRoutes(server: HttpServer, options: ChatRouteOptions): void {
  server.describeTag('Chat sessions', 'Conversations with a model or an assistant.');
  registerCreate(server, options);
  registerList(server, options);
  registerGet(server, options);
  registerUpdate(server, options);
  registerDelete(server, options);
}
