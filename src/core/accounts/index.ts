export {
  type AccountColumns,
  type Actor,
  actorOf,
  type Caller,
  type CallerCache,
  CallerRecord,
  isEnded,
  toCallerRecord,
} from './caller.ts';
export { claimAndAnswer } from './claim-and-answer.ts';
export { idempotencyErrors, NO_TOKEN_OF_OURS, signInErrors } from './errors.ts';
export { explainErasing } from './explain-erasing.ts';
export {
  findEarlierAnswer,
  type Idempotency,
  type IdempotentOutcome,
  markReplay,
  onceByKey,
  type RepeatableRequest,
  readIdempotency,
  type Stored,
  unrepeatable,
  withoutBlindRetry,
} from './idempotency.ts';
export { type Claim, claimKey, MAX_ANSWER_CHARS } from './idempotency-claim.ts';
export { forgetIdempotencyKeys } from './jobs.ts';
export { deleteUsers, findAccounts } from './queries.ts';
export { readBearer } from './read-bearer.ts';
export { registerAccountRoutes } from './routes/me.ts';
export { registerSignInRoutes } from './routes/sign-in.ts';
export { Username } from './schemas.ts';
export { type CountFailures, createFailureCount } from './sign-in/count-failures.ts';
export { createSignInCount } from './sign-in/count-sign-ins.ts';
export { IdentityVerifier } from './sign-in/identity-verifier.ts';
export { inspectIssuer } from './sign-in/inspect-issuer.ts';
export type { Issuer } from './sign-in/issuer.ts';
export { readIssuers } from './sign-in/read-issuers.ts';
export { type FirstKey, SignIn } from './sign-in/sign-in.ts';
export { Tokens } from './sign-in/tokens.ts';
export { USERNAME_RULE } from './sign-in/username.ts';
export { accountParts } from './stored-data/parts.ts';
export { eraseIdempotencyKeys } from './stored-data/queries.ts';
export { type StoredPart, storedById, storedOnce, storedPart } from './stored-data/stored-part.ts';
