import { AppError } from '../base/errors.ts';

/** An error of the pool, which speaks to callers of the HTTP interface, in words for who starts a server; any other as it is. */
export function toStartError(error: unknown): unknown {
  if (!(error instanceof AppError)) return error;
  const reason = error.cause instanceof Error ? error.cause.message : error.code;
  return new Error(
    `the first statements failed: ${reason}. See that the database answers ("evenkeel doctor" looks), and that ` +
      'DATABASE_CONNECT_TIMEOUT_MS and DATABASE_STATEMENT_TIMEOUT_MS leave it the time',
    { cause: error },
  );
}
