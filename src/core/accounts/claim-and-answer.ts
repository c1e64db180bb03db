import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Database } from '../../platform/postgres/index.ts';
import { claimKey } from './idempotency-claim.ts';

/** Much longer than such work takes: after it, who claimed a key and did not answer is dead, or may be overtaken. */
const TAKE_OVER_AFTER_MS = 60_000;

/** A request, and where its Idempotency-Key is kept. */
interface RepeatableCall {
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
  readonly database: Database;
}

/**
 * Does what a request asks for, or answers what an earlier one with its Idempotency-Key was answered; without a key, just
 * does it. For work that may as well be done twice, of which the client is to see one answer: when the server dies between
 * the work and remembering its answer, the next request does the work again.
 * @throws AppError as `claimKey`; whatever the work throws: then the key is as if it had not been used.
 */
export async function claimAndAnswer<Answer>(
  { request, reply, database }: RepeatableCall,
  work: () => Promise<Answer>,
): Promise<Answer> {
  const claim = await claimKey(request, reply, { database, takeOverAfterMs: TAKE_OVER_AFTER_MS });
  if (claim?.earlier !== undefined) return JSON.parse(claim.earlier) as Answer;
  try {
    const answer = await work();
    await claim?.remember(JSON.stringify(answer));
    return answer;
  } catch (error) {
    await claim?.release();
    throw error;
  }
}
