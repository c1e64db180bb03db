import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Static } from 'typebox';
import { decodeCursor, encodeCursor, type Page, placePart } from '../../../platform/http/index.ts';
import { chatErrors } from '../errors.ts';
import type { HistoryQuery, MessageRow } from '../queries.ts';
import type { HistoryPageQuery, Message } from '../schemas.ts';
import { showMessage } from '../show-message.ts';
import { isUnchanged, newestKnownVersion } from './conditional-read.ts';
import type { ChatRouteOptions } from './options.ts';

/** A place in a history belongs to the session, the order and the times that it was read with. */
export function cursorScope(
  sessionId: string,
  query: { order: string; after?: string | undefined; before?: string | undefined },
): string {
  return ['messages', sessionId, query.order, query.after ?? '', query.before ?? ''].join(' ');
}

/** The part of the history that a query asks for. */
function readQuery(
  { cursor, order, after, before, limit, offset }: Static<typeof HistoryPageQuery>,
  scope: string,
): Omit<HistoryQuery, 'userId' | 'sessionId' | 'knownVersion'> {
  const [fromSeq = null] = decodeCursor(scope, cursor, [placePart.integer]);
  const descending = order === 'desc';
  return {
    limit,
    // Who goes on from a place has left it out before that.
    offset: fromSeq === null ? offset : 0,
    descending,
    after: after === undefined ? null : new Date(after),
    before: before === undefined ? null : new Date(before),
    afterSeq: descending ? null : fromSeq,
    beforeSeq: descending ? fromSeq : null,
  };
}

/** A request for a page of a history. */
type HistoryRequest = FastifyRequest<{ Querystring: Static<typeof HistoryPageQuery> }>;

/**
 * Answers with a page of a session's history, with its ETag; with the status 304 and nothing more when the reader has it.
 * @throws AppError 404 `chat.session_not_found`; 400 `http.invalid_cursor`.
 */
export async function readHistory(
  request: HistoryRequest,
  reply: FastifyReply,
  { batches, sessionId }: Pick<ChatRouteOptions, 'batches'> & { readonly sessionId: string },
): Promise<Page<Message> | FastifyReply> {
  const scope = cursorScope(sessionId, request.query);
  const page = readQuery(request.query, scope);
  const owner = { userId: request.caller.userId, sessionId, knownVersion: newestKnownVersion(request) };
  const rows = await batches.readHistory({ ...page, ...owner }, request.context);
  const [session] = rows;
  if (session === undefined) throw chatErrors.raise.session_not_found();
  if (isUnchanged(request, reply, session.version)) return reply.send();
  const data = rows.filter((row) => row.seq !== null).map((row) => showMessage(sessionId, row as MessageRow));
  const lastSeq = data.at(-1)?.seq;
  const endSeq = page.descending ? session.first_seq : session.last_seq;
  const hasMore = lastSeq !== undefined && lastSeq !== endSeq;
  return { object: 'list', data, has_more: hasMore, next_cursor: hasMore ? encodeCursor(scope, [lastSeq]) : null };
}
