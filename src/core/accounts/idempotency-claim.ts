import { setTimeout as sleep } from 'node:timers/promises';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { newId } from '../../base/ids.ts';
import { inBackground } from '../../base/in-background.ts';
import { type Database, isOutcomeUnknown, type Statement } from '../../platform/postgres/index.ts';
import { idempotencyErrors } from './errors.ts';
import { markReplay, readIdempotency, refuseReuse } from './idempotency.ts';
import { claimIdempotencyKey, releaseIdempotencyKey, rememberAnswer } from './queries.ts';

/** Longer answers, in UTF-16 units, are not kept: what every user was answered in a day is stored. */
export const MAX_ANSWER_CHARS = 1024 * 1024;

/** How long a try to settle a claim may take, in milliseconds; also after the client has left. */
const SETTLE_BUDGET_MS = 5_000;

/**
 * The pauses before the tries to release a key whose claim was not heard of, in milliseconds, once the database answers: the
 * first are over when the client asks again, after a second; all of them when the server has given up a claim that it was slow
 * with.
 */
const unheardPausesMs = [100, 250, 500, 1_000, 2_000, 4_000];

/** The same before a claim is settled again where that failed: about a minute in all, longer than a failover takes. */
const settlePausesMs = [...unheardPausesMs, ...Array<number>(13).fill(4_000)];

/** What claiming a key needs. */
export interface ClaimOptions {
  readonly database: Database;
  /** After so many milliseconds the process that claimed the key and has not answered must be dead. */
  readonly takeOverAfterMs: number;
}

/**
 * A request's hold on its Idempotency-Key, for work that cannot be one statement: the key is claimed before the work, and
 * settled after it. Exactly one of `remember` and `release` is called, unless there is an `earlier` answer.
 */
export interface Claim {
  /** What an earlier request with this key remembered; undefined when the work is still to be done. */
  readonly earlier: string | undefined;
  /**
   * Keeps the answer, for requests to come. Never rejects: when it cannot be kept at once, the caller has it all the same, and
   * it is tried again for about a minute; then the key stays claimed.
   */
  remember(answer: string): Promise<void>;
  /** Lets go of the key after work that failed: the next request does it again. Never rejects, and tries again likewise. */
  release(): Promise<void>;
}

/** Answers whether the statement found the claim; undefined when it failed, for the log where it is told. Never rejects. */
async function settle(
  statement: Statement<unknown>,
  { request, database, isTold }: { request: FastifyRequest; database: Database; isTold: boolean },
): Promise<boolean | undefined> {
  try {
    const options = { requestId: request.context.requestId, budgetMs: SETTLE_BUDGET_MS };
    const rows = await inBackground(options, (context) => database.query(statement, context));
    return rows.length > 0;
  } catch (error) {
    if (isTold) request.log.warn({ err: error }, 'could not settle an Idempotency-Key');
    return undefined;
  }
}

/** Tries until it is done. Never rejects, and keeps no process alive: a claim that is left is taken over in time. */
async function tryAgain(pausesMs: readonly number[], isDone: (isLast: boolean) => Promise<boolean>): Promise<void> {
  for (const [index, pauseMs] of pausesMs.entries()) {
    await sleep(pauseMs, undefined, { ref: false });
    if (await isDone(index === pausesMs.length - 1)) return;
  }
}

/**
 * Waits for the first try alone: whoever asked is not to wait for a database that is away. Of the tries that fail, the first
 * and the last are told.
 */
async function settleInTheEnd(settleOnce: (isTold: boolean) => Promise<boolean | undefined>): Promise<void> {
  const isDone = async (isTold: boolean): Promise<boolean> => (await settleOnce(isTold)) !== undefined;
  if (!(await isDone(true))) void tryAgain(settlePausesMs, isDone);
}

/**
 * Releases a claim that was not heard of, once the database answers: one that was frozen makes the claim when it goes on. From
 * then on again also when nothing was found, for the claim may come later than the news that nobody heard of it. Never rejects.
 */
async function releaseUnheard(releaseOnce: (isTold: boolean) => Promise<boolean | undefined>): Promise<void> {
  let wasFound: boolean | undefined;
  await tryAgain(settlePausesMs, async (isLast) => {
    wasFound = await releaseOnce(isLast);
    return wasFound !== undefined;
  });
  if (wasFound === false) await tryAgain(unheardPausesMs, async (isLast) => (await releaseOnce(isLast)) === true);
}

/**
 * Claims the Idempotency-Key of a request; undefined, and no statement, when it has none. A key that a dead process claimed
 * is taken over, and what that process may still want to settle is refused. When the reply to the claim is lost, the key is
 * released within seconds, or of the database being back, for the same request again.
 *
 * @throws AppError 400 `idempotency.invalid_key`, 409 `idempotency.in_progress` while another request does the work, 409
 *   `idempotency.not_replayable` when its answer was too long to be kept, 422 `idempotency.key_reused`; 503 without a database.
 */
export async function claimKey(
  request: FastifyRequest,
  reply: FastifyReply,
  { database, takeOverAfterMs }: ClaimOptions,
): Promise<Claim | undefined> {
  const { idempotencyKey, fingerprint } = readIdempotency(request);
  if (idempotencyKey === null || fingerprint === null) return undefined;
  const owner = { userId: request.caller.userId, idempotencyKey };
  const claim = newId();
  const release = (claimedAt: Date | null, isTold: boolean) =>
    settle(releaseIdempotencyKey({ ...owner, claim, claimedAt }), { request, database, isTold });
  const [found] = await database
    .query(claimIdempotencyKey({ ...owner, claim, fingerprint, takeOverAfterMs }), request.context)
    .catch((error: unknown) => {
      if (isOutcomeUnknown(error)) void releaseUnheard((isTold) => release(null, isTold));
      throw error;
    });
  refuseReuse(found);
  // No row: another request claimed it at this very moment.
  if (found === undefined || (found.claimed_at === null && found.answer === null)) {
    throw idempotencyErrors.raise.in_progress();
  }
  if (found.answer === '') {
    reply.header('x-should-retry', 'false');
    throw idempotencyErrors.raise.not_replayable({ param: 'idempotency-key' });
  }
  if (found.answer !== null) markReplay(reply);

  const { claimed_at: claimedAt } = found;
  return {
    earlier: found.answer ?? undefined,
    async remember(answer) {
      const kept = answer.length > MAX_ANSWER_CHARS ? '' : answer;
      const statement = rememberAnswer({ ...owner, claimedAt, answer: kept });
      await settleInTheEnd((isTold) => settle(statement, { request, database, isTold }));
    },
    async release() {
      await settleInTheEnd((isTold) => release(claimedAt, isTold));
    },
  };
}
