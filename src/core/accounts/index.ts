export type { Caller } from './caller.ts';
export { idempotencyErrors } from './errors.ts';
export {
  type Idempotency,
  type IdempotentOutcome,
  markReplay,
  onceByKey,
  readIdempotency,
  refuseReuse,
} from './idempotency.ts';
export { type Claim, claimKey, maxAnswerChars } from './idempotency-claim.ts';
export { forgetIdempotencyKeys } from './jobs.ts';
export { registerAccountRoutes } from './routes.ts';
