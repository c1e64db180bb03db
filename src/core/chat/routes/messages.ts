import type { Static } from 'typebox';
import {
  decodeCursor,
  type EventStream,
  encodeCursor,
  type HttpServer,
  ListOf,
  openEventStream,
} from '../../../platform/http/index.ts';
import { idempotencyErrors, markReplay, readIdempotency } from '../../accounts/index.ts';
import { chatErrors } from '../errors.ts';
import type { HistoryQuery, MessageRow } from '../queries.ts';
import { HistoryPageQuery, Message, PostMessage, SessionParams, Turn, TurnParams } from '../schemas.ts';
import { showMessage } from '../show-message.ts';
import type { TurnRow } from '../turns/queries.ts';
import type { TurnFeed } from '../turns/turn-feed.ts';
import { isUnchanged, knownVersion, Unchanged } from './conditional-read.ts';
import type { ChatRouteOptions } from './options.ts';

const tags = ['Messages'];

function toTurn(row: TurnRow): Turn {
  const { prompt_tokens, completion_tokens } = row;
  return {
    id: row.id,
    object: 'chat.turn',
    session_id: row.session_id,
    status: row.status,
    model: row.model,
    error_code: row.error_code,
    usage: prompt_tokens === null || completion_tokens === null ? null : { prompt_tokens, completion_tokens },
    answer_seq: row.answer_seq,
    created_at: row.created_at.toISOString(),
    ended_at: row.ended_at?.toISOString() ?? null,
  };
}

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

/** Sends the events of a turn until it ends or the client leaves; the turn itself goes on either way. */
async function streamTurn(feed: TurnFeed, stream: EventStream): Promise<void> {
  try {
    for await (const { id, type, ...body } of feed.read(stream.closed)) {
      await stream.send({ id, event: type, data: { type, ...body } });
    }
    stream.end();
  } catch (error) {
    stream.fail(error);
  }
}

function registerPost(server: HttpServer, { turns, requestBudgetMs, modelBudgetMs }: ChatRouteOptions): void {
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
      const { context } = request;
      const deadline = context.deadline.shortenedTo(requestBudgetMs);
      const message = { ...readIdempotency(request), sessionId: request.params.session_id, content };
      const { turn, replayed } = await turns
        .start(request.caller, message, { ...context, deadline })
        .finally(() => deadline.end());
      if (replayed && !stream && !turn.hasEnded) throw idempotencyErrors.raise.in_progress();
      if (replayed) markReplay(reply);
      if (stream) {
        await streamTurn(turn.feed, openEventStream(request, reply, { budgetMs: modelBudgetMs, errorEvent: 'error' }));
        return reply;
      }
      // From here on the message is stored: a client must not send it again on its own.
      reply.header('x-should-retry', 'false');
      const { message: answer } = await context.deadline.race(turn.result);
      reply.removeHeader('x-should-retry');
      return answer;
    },
  );
}

function registerGetTurn(server: HttpServer, { batches }: ChatRouteOptions): void {
  server.get(
    '/v1/chat/sessions/:session_id/turns/:turn_id',
    {
      config: { access: 'chat:read' },
      schema: { tags, summary: 'Read how a turn stands', params: TurnParams, response: { 200: Turn } },
    },
    async (request) => {
      const { session_id: sessionId, turn_id: turnId } = request.params;
      const key = { userId: request.caller.userId, sessionId, turnId };
      const [row] = await batches.findTurn({ ...key, knownHeartbeatAt: null }, request.context);
      if (row === undefined) throw chatErrors.raise.turn_not_found();
      return toTurn(row);
    },
  );
}

/** Registers the routes of messages and turns. */
export function registerMessageRoutes(server: HttpServer, options: ChatRouteOptions): void {
  registerList(server, options);
  registerPost(server, options);
  registerGetTurn(server, options);
}
