import { DeadlineExceeded } from '../../base/deadline.ts';
import { AppError } from '../../base/errors.ts';
import { sqlState } from '../postgres/index.ts';

/**
 * Whether a failed statement gives reason to ask if the database is there at all: it could not be reached, did not answer
 * in the time that the statement or its caller had, or takes no connections (SQLSTATE 53). Not: that all connections of
 * our own pool are busy, that the server refused the statement, that the caller has gone.
 */
export function isDatabaseTrouble(error: unknown): boolean {
  if (error instanceof DeadlineExceeded) return true;
  if (!(error instanceof AppError)) return false;
  if (error.code === 'postgres.overloaded') return sqlState(error.cause)?.startsWith('53') === true;
  return error.code === 'postgres.unavailable' || error.code === 'postgres.timeout';
}
