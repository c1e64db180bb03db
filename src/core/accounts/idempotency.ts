import { hash } from 'node:crypto';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { CallContext } from '../../base/call-context.ts';
import { type Database, isOutcomeUnknown, sqlState, UNIQUE_VIOLATION } from '../../platform/postgres/index.ts';
import { idempotencyErrors } from './errors.ts';
import { findAnswer } from './queries.ts';

/** How a request may be repeated; both null when it has no Idempotency-Key. */
export interface Idempotency {
  readonly idempotencyKey: string | null;
  /** SHA-256 of the method, the path and the body. */
  readonly fingerprint: Buffer | null;
}

/** What a statement tells of a request that has a key. */
export interface IdempotentOutcome {
  /** Whether the work had been done before, by another request. */
  readonly replayed: boolean | null;
  /** Whether that was the same request. */
  readonly is_same: boolean | null;
}

/** A row as JSON of the database, and so the answer kept under an Idempotency-Key, has it: times are text there. */
export type Stored<Row> = {
  readonly [Field in keyof Row]: Date extends Row[Field] ? string | Exclude<Row[Field], Date> : Row[Field];
};

const BARE_OR_QUOTED = /^(?:"([!#-~]{1,255})"|([!#-~]{1,255}))$/;

/** Of a request without a key, and of what is no request. */
export const unrepeatable: Idempotency = { idempotencyKey: null, fingerprint: null };

/**
 * The Idempotency-Key of a request, bare or quoted as the IETF draft has it.
 * @throws AppError 400 `idempotency.invalid_key`.
 */
export function readIdempotency(request: FastifyRequest): Idempotency {
  const header = request.headers['idempotency-key'];
  if (header === undefined) return unrepeatable;
  const [, quoted, bare] = BARE_OR_QUOTED.exec(String(header)) ?? [];
  const idempotencyKey = quoted ?? bare;
  if (idempotencyKey === undefined) throw idempotencyErrors.raise.invalid_key({ param: 'idempotency-key' });
  const text = `${request.method} ${request.url}\n${JSON.stringify(request.body)}`;
  return { idempotencyKey, fingerprint: hash('sha256', text, 'buffer') };
}

/**
 * To be called before anything else is read from what is known of a key: of another request that may be anything.
 * @throws AppError 422 `idempotency.key_reused` when the key was used for another request, be it answered or not.
 */
export function refuseReuse(known: Pick<IdempotentOutcome, 'is_same'> | undefined): void {
  if (known?.is_same === false) throw idempotencyErrors.raise.key_reused({ param: 'idempotency-key' });
}

/** Says that an answer repeats an earlier one. */
export function markReplay(reply: FastifyReply): void {
  reply.header('idempotent-replayed', 'true');
}

/** A request that a client may send again. */
export interface RepeatableRequest {
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
  /** Whether it is known by its Idempotency-Key then; by default, whether it has one. */
  readonly isKeyed?: boolean;
}

/**
 * Does what a request is to have stored. When that fails and may have been done all the same, a client that sent no
 * Idempotency-Key is told not to send its request again on its own: it would be done twice.
 * @throws what the work throws.
 */
export async function withoutBlindRetry<Result>(
  { request, reply, isKeyed = request.headers['idempotency-key'] !== undefined }: RepeatableRequest,
  work: () => Promise<Result>,
): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    const mayBeDone = isOutcomeUnknown(error) || error === request.context.deadline.reason;
    if (mayBeDone && !isKeyed) reply.header('x-should-retry', 'false');
    throw error;
  }
}

/**
 * What an earlier request with the same Idempotency-Key was answered, for work that is dear to do and not to be done twice;
 * undefined when there was none, and without a statement when there is no key.
 * @throws AppError 422 `idempotency.key_reused` when that was another request; 503 `postgres.*`.
 */
export async function findEarlierAnswer(
  { userId, idempotencyKey, fingerprint }: Idempotency & { readonly userId: string },
  { database, context }: { database: Database; context: CallContext },
): Promise<unknown> {
  if (idempotencyKey === null) return undefined;
  const [row] = await database.query(findAnswer({ userId, idempotencyKey, fingerprint }), context);
  refuseReuse(row);
  return row?.answer ?? undefined;
}

/**
 * Runs a statement that remembers its answer under an Idempotency-Key, and answers its row, if there is one. When another
 * request with the same key was committed while it ran, it has changed nothing, and is run again: now it finds that answer.
 * @throws AppError 422 `idempotency.key_reused` when the key was used for another request; what the statement throws.
 */
export async function onceByKey<Row extends IdempotentOutcome>(run: () => Promise<Row[]>): Promise<Row | undefined> {
  const [row] = await run().catch((error: unknown) => {
    const { constraint } = error as { constraint?: string };
    if (sqlState(error) !== UNIQUE_VIOLATION || constraint !== 'idempotency_keys_pkey') throw error;
    return run();
  });
  refuseReuse(row);
  return row;
}
