import { DatabaseError } from 'pg';
import { AppError } from '../../base/errors.ts';
import { UnrecoverableError } from '../../base/unrecoverable-error.ts';

/** What is kept of why a job failed: a code or a name. The message may hold what a user wrote; it is in the log, redacted. */
export function describeFailure(error: unknown): string {
  if (error instanceof UnrecoverableError) return describeFailure(error.cause);
  if (error instanceof AppError) return error.code;
  if (error instanceof DatabaseError) return `postgres ${error.code} ${error.constraint ?? ''}`.trim();
  const { name, code } = (error ?? {}) as { name?: unknown; code?: unknown };
  return [name, code].filter((part) => typeof part === 'string').join(' ') || 'unknown';
}
