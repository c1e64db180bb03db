import { DatabaseError } from 'pg';
import { AppError, defineErrors } from '../../base/errors.ts';

/** What a caller sees when the database is the trouble. All are 503: nothing was refused, and a retry may help. */
export const postgresErrors = defineErrors('postgres', {
  unavailable: {
    status: 503,
    message: 'The database cannot be reached at the moment. Try again shortly.',
    retryAfterMs: 1_000,
  },
  overloaded: {
    status: 503,
    message: 'The database is busy at the moment. Try again shortly.',
    retryAfterMs: 1_000,
  },
  timeout: {
    status: 503,
    message: 'The database took too long to answer. Try again shortly.',
    retryAfterMs: 1_000,
  },
});

/** The SQLSTATE of an error that the server sent; undefined for any other error. */
export function sqlState(error: unknown): string | undefined {
  return error instanceof DatabaseError ? error.code : undefined;
}

/** SQLSTATE of a row that refers to one that is not there. */
export const FOREIGN_KEY_VIOLATION = '23503';

/** SQLSTATE of a row whose key another one has. */
export const UNIQUE_VIOLATION = '23505';

/** SQLSTATE of a write where nothing can be written. */
export const READ_ONLY_TRANSACTION = '25006';

/** SQLSTATE of a connection whose password is not the role's. */
export const WRONG_PASSWORD = '28P01';

/** SQLSTATE of what the role may not do. */
export const INSUFFICIENT_PRIVILEGE = '42501';

/** SQLSTATE of a statement on a table that is not there. */
export const UNDEFINED_TABLE = '42P01';

/** Whether the server refused a row because what it refers to, by this id alone, is not there, or no longer. */
export function isReferenceMissing(error: unknown, id: string): boolean {
  if (!(error instanceof DatabaseError) || error.code !== FOREIGN_KEY_VIOLATION) return false;
  // `Key (user_id)=(…) is not present in table "users".`, in the server's language. The constraint's name says less: not whose
  // row is missing, and it is chosen by whoever makes a table or a partition of it.
  return error.detail?.includes(`=(${id})`) === true;
}

// 08 connection lost; 57P shut down, restarting or ended by an administrator; 25P03 and 25P04 ended for being in a transaction.
const ENDED = /^(08|57P|25P0[34])/;
// 58 its disk or files; 25006 a replica now.
const UNAVAILABLE = /^(58|25006)/;
// 53 out of connections, memory or disk; 40001 and 40P01 still in conflict with others after our retries.
const OVERLOADED = /^(53|40001|40P01)/;
// 57014 statement_timeout (our own cancels are not asked here); 55P03 lock_timeout.
const TIMED_OUT = /^(57014|55P03)/;

/**
 * Whether the server, or a pooler in between, ended the connection by saying so. Told by the code, as a server gives the severity
 * in its own language; and by the severity, as a pooler that lost the server has no code of its own. The statement may have been
 * done before.
 */
function isFatal(error: unknown): boolean {
  if (!(error instanceof DatabaseError)) return false;
  return error.severity === 'FATAL' || error.severity === 'PANIC' || ENDED.test(error.code ?? '');
}

/**
 * What to tell the caller of a failed statement. An error that is the statement's own fault, or ours, is answered as it is.
 */
export function toCallerError(error: unknown, isConnectionLost: boolean): unknown {
  if (error instanceof AppError) return error;
  if (isFatal(error)) return postgresErrors.raise.unavailable({ cause: error });
  const state = sqlState(error) ?? '';
  if (OVERLOADED.test(state) || error instanceof CancelledByNeighbour)
    return postgresErrors.raise.overloaded({ cause: error });
  if (TIMED_OUT.test(state)) return postgresErrors.raise.timeout({ cause: error });
  if (UNAVAILABLE.test(state) || (isConnectionLost && state === ''))
    return postgresErrors.raise.unavailable({ cause: error });
  return error;
}

/** Whether a statement that failed for its caller was refused for what is in it, and so has changed nothing. */
export function isRefused(error: unknown): boolean {
  return error instanceof DatabaseError || error instanceof UnsendableValue;
}

/**
 * Whether a statement that failed for its caller may have been done all the same: its reply was lost, or nobody waited for
 * it. Not what the server refused, nor what was never sent.
 */
export function isOutcomeUnknown(error: unknown): boolean {
  if (!(error instanceof AppError)) return !isRefused(error);
  const { code, cause } = error;
  // An open breaker gives no cause.
  const isLost = code === 'postgres.timeout' || (code === 'postgres.unavailable' && cause !== undefined);
  // A server that ends the connection may have done the statement before; one that refuses it has not.
  return isLost && !(cause instanceof NotConnected) && (isFatal(cause) || !isRefused(cause));
}

/** A statement was cancelled in place of the one before it on its connection, or never begun for what befell that one. */
export class CancelledByNeighbour extends Error {}

/** There was no connection: nothing was sent. */
export class NotConnected extends Error {
  constructor(cause: Error) {
    super(cause.message, { cause });
  }
}

/** A value cannot be turned into what is sent, an object that refers to itself say: nothing was sent. The cause tells why. */
export class UnsendableValue extends Error {}

/** The server ended the statement for a cancel or its time limit. */
export function isCancelled(error: unknown): boolean {
  return sqlState(error) === '57014';
}

/** The server does not know the statement's text: it was not begun. */
export function isTextUnknown(error: unknown): boolean {
  return sqlState(error) === '26000';
}

/**
 * The statement was never begun. Its text is unknown: the one before it was to bring that, and was refused before the server
 * had read it, or the server has forgotten it. 42P05: pg, told so twice, had the text brought twice.
 */
export function isNeverBegun(error: unknown): boolean {
  return isTextUnknown(error) || sqlState(error) === '42P05';
}

/** Two statements got in each other's way and the server undid ours: running it again is right and usually works. */
export function isConflict(error: unknown): boolean {
  const state = sqlState(error);
  return state === '40001' || state === '40P01' || error instanceof CancelledByNeighbour;
}

/** The server is read-only: a replica now, or all of it. */
export function isReadOnly(error: unknown): boolean {
  return sqlState(error) === READ_ONLY_TRANSACTION;
}

/**
 * The connection is of yesterday: it leads to a server that is a read-only replica now, or its prepared statements were
 * made for tables that a migration has changed since. Nothing was done, and a new connection is right.
 */
export function isStaleConnection(error: unknown): boolean {
  if (isReadOnly(error)) return true;
  return sqlState(error) === '0A000' && (error as DatabaseError).routine === 'RevalidateCachedQuery';
}

/** The connection is of no use after this error. */
export function endsConnection(error: unknown): boolean {
  return isFatal(error) || isStaleConnection(error) || UNAVAILABLE.test(sqlState(error) ?? '');
}
