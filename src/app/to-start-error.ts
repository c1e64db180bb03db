import { AppError } from '../base/errors.ts';
import { adviseOnDatabase } from './advise-on-database.ts';
import { reasonOf } from './reason-of.ts';

const leaveItTime =
  'See that the database answers ("evenkeel doctor" looks), and that DATABASE_CONNECT_TIMEOUT_MS and ' +
  'DATABASE_STATEMENT_TIMEOUT_MS leave it the time';

/**
 * An error of the pool, which speaks to callers of the HTTP interface, or of the database, which does not say what to do, in words
 * for who starts a server; any other as it is.
 */
export function toStartError(error: unknown): unknown {
  const todo = adviseOnDatabase(error);
  if (error instanceof AppError) {
    const reason = error.cause instanceof Error ? error.cause.message : error.code;
    return new Error(`the first statements failed: ${reason}. ${todo ?? leaveItTime}`, { cause: error });
  }
  return todo === undefined ? error : new Error(`${reasonOf(error)}. ${todo}`, { cause: error });
}
