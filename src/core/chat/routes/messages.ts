import type { Static } from 'typebox';
import { decodeCursor, encodeCursor, type HttpServer, ListOf } from '../../../platform/http/index.ts';
import { readIdempotency } from '../../accounts/index.ts';
import { chatErrors } from '../errors.ts';
import type { HistoryQuery, MessageRow } from '../queries.ts';
import { HistoryPageQuery, Message, PostMessage, SessionParams } from '../schemas.ts';
import { showMessage } from '../show-message.ts';
import { answerTurn, withinBudget } from './answer-turn.ts';
import { isUnchanged, knownVersion, Unchanged } from './conditional-read.ts';
import type { ChatRouteOptions } from './options.ts';

const tags = ['Messages'];

/** A place in a history belongs to the session, the order and the times that it was read with. */
function cursorScope(sessionId: string, query: { order: string; after?: string; before?: string }): string {
  return ['messages', sessionId, query.order, query.after ?? '', query.before ?? ''].join(' ');
}

/** The part of the history that a query asks for. */
function readQuery(
  { cursor, order, after, before, limit, offset }: Static<typeof HistoryPageQuery>,
  scope: string,
): Omit<HistoryQuery, 'userId' | 'sessionId' | 'knownVersion'> {
  const fromSeq = cursor === undefined ? null : Number(decodeCursor(scope, cursor)[0]);
  const descending = order === 'desc';
  return {
    limit,
    offset,
    descending,
    after: after === undefined ? null : new Date(after),
    before: before === undefined ? null : new Date(before),
    afterSeq: descending ? null : fromSeq,
    beforeSeq: descending ? fromSeq : null,
  };
}

function registerList(server: HttpServer, { batches }: ChatRouteOptions): void {
  server.get(
    '/v1/chat/sessions/:session_id/messages',
    {
      config: { access: 'chat:read' },
      schema: {
        tags,
        summary: 'Read the messages of a chat session',
        description:
          'A page costs the same at any offset. With `If-None-Match` and an ETag of before: 304 when nothing has changed.',
        params: SessionParams,
        querystring: HistoryPageQuery,
        response: { 200: ListOf(Message), 304: Unchanged },
      },
    },
    async (request, reply) => {
      const { session_id: sessionId } = request.params;
      const scope = cursorScope(sessionId, request.query);
      const page = readQuery(request.query, scope);
      const owner = { userId: request.caller.userId, sessionId, knownVersion: knownVersion(request) };
      const rows = await batches.readHistory({ ...page, ...owner }, request.context);
      const [session] = rows;
      if (session === undefined) throw chatErrors.raise.session_not_found();
      if (isUnchanged(request, reply, session.version)) return reply.send(null);
      const data = rows.filter((row) => row.seq !== null).map((row) => showMessage(sessionId, row as MessageRow));
      const lastSeq = data.at(-1)?.seq;
      const endSeq = page.descending ? session.first_seq : session.last_seq;
      const hasMore = lastSeq !== undefined && lastSeq !== endSeq;
      const next_cursor = hasMore ? encodeCursor(scope, [lastSeq]) : null;
      return { object: 'list' as const, data, has_more: hasMore, next_cursor };
    },
  );
}

function registerPost(server: HttpServer, options: ChatRouteOptions): void {
  const { turns, modelBudgetMs } = options;
  server.post(
    '/v1/chat/sessions/:session_id/messages',
    {
      config: { access: 'chat:write', budgetMs: modelBudgetMs },
      schema: {
        tags,
        summary: 'Send a message and get the answer',
        description:
          'The message is stored before the model is asked. With `stream: true` the answer comes as server-sent events ' +
          '`turn.started`, `message.delta`, `tool.started`, `tool.finished`, `message.completed`, `turn.completed` or `error`, and ends with `[DONE]`. ' +
          'A client that leaves does not stop the turn: read the history later.',
        params: SessionParams,
        body: PostMessage,
        response: { 200: Message },
      },
    },
    async (request, reply) => {
      const { content, stream = false } = request.body;
      const message = { ...readIdempotency(request), sessionId: request.params.session_id, content };
      const begun = await withinBudget(request, options, (context) => turns.start(request.caller, message, context));
      return await answerTurn(begun, { request, reply, stream, options });
    },
  );
}

/** Registers the routes of messages. */
export function registerMessageRoutes(server: HttpServer, options: ChatRouteOptions): void {
  registerList(server, options);
  registerPost(server, options);
}
