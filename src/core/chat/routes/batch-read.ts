import type { Static } from 'typebox';
import { encodeCursor, type HttpServer, ListOf } from '../../../platform/http/index.ts';
import { chatErrors } from '../errors.ts';
import { type MessageRow, type PageRow, readHistories } from '../queries.ts';
import { BatchedHistory, BatchRead } from '../schemas.ts';
import { showMessage } from '../show-message.ts';
import type { ChatRouteOptions } from './options.ts';
import { cursorScope } from './read-history.ts';

/** @throws AppError 404 `chat.session_not_found` when nothing was read of it. */
function showHistory(sessionId: string, rows: readonly PageRow[], after?: string): Static<typeof BatchedHistory> {
  const [session] = rows;
  if (session === undefined) throw chatErrors.raise.session_not_found();
  const messages = rows.filter((row) => row.seq !== null).map((row) => showMessage(sessionId, row as MessageRow));
  // Where nothing is shown, though there is something, it is read on from before the first.
  const lastSeq = messages.at(-1)?.seq ?? session.first_seq - 1;
  const hasMore = lastSeq < session.last_seq;
  const nextCursor = hasMore ? encodeCursor(cursorScope(sessionId, { order: 'asc', after }), [lastSeq]) : null;
  return { object: 'chat.history', session_id: sessionId, messages, has_more: hasMore, next_cursor: nextCursor };
}

/** Registers the route that reads the messages of several sessions. */
export function registerBatchReadRoute(server: HttpServer, { database }: ChatRouteOptions): void {
  server.post(
    '/v1/chat/messages/batch',
    {
      config: { access: 'chat:read' },
      schema: {
        tags: ['Messages'],
        operationId: 'listMessagesOfSessions',
        summary: 'Read the messages of several chat sessions',
        description:
          'In the order of `session_ids`. When one of them does not exist, nothing is read. All that is read is at most 4 MB of ' +
          'text and tool calls, of which each session has an equal share: where `has_more` says that this was too little, even ' +
          'for a first message, read on with `next_cursor`.',
        body: BatchRead,
        response: { 200: ListOf(BatchedHistory) },
      },
    },
    async (request) => {
      const { session_ids: sessionIds, after, limit } = request.body;
      const { userId } = request.caller;
      const range = { before: null, afterSeq: null, beforeSeq: null, offset: 0, descending: false };
      const page = { ...range, knownVersion: null, sharedBy: sessionIds.length };
      const afterTime = after === undefined ? null : new Date(after);
      const queries = sessionIds.map((sessionId) => ({ ...page, userId, sessionId, limit, after: afterTime }));
      const rows = await database.query(readHistories(queries), request.context);
      const byInput = Map.groupBy(rows, ({ i }) => i);
      const data = sessionIds.map((sessionId, index) => showHistory(sessionId, byInput.get(index + 1) ?? [], after));
      return { object: 'list' as const, data, has_more: false, next_cursor: null };
    },
  );
}
