import { type Static, Type } from 'typebox';
import { Cancelled, DeadlineExceeded } from '../../base/deadline.ts';
import { AppError } from '../../base/errors.ts';
import { httpErrors } from './errors.ts';

/** An error as a caller reads it: what OpenAI's API puts under `error`. */
export const WireError = Type.Object({
  message: Type.String({ description: 'What to do, for people.' }),
  type: Type.String({ description: "The kind of error, in OpenAI's words." }),
  param: Type.Unsafe<string | null>({
    type: ['string', 'null'],
    description: 'The field at fault, such as `messages[0].role`.',
  }),
  code: Type.String({ description: 'One of `x-error-codes`, for programs.' }),
});

export type WireError = Static<typeof WireError>;

const { raise } = httpErrors;

const TYPES: Readonly<Record<number, string>> = {
  401: 'authentication_error',
  403: 'permission_error',
  409: 'conflict_error',
  429: 'rate_limit_error',
};

function typeOf(status: number): string {
  return TYPES[status] ?? (status >= 500 ? 'server_error' : 'invalid_request_error');
}

/** The body of an answer, or of an event in a stream, that tells of an error. */
export function toWireError(error: AppError): WireError {
  return { message: error.message, type: typeOf(error.status), param: error.param ?? null, code: error.code };
}

/** What clients such as OpenAI's try again by themselves, unless it is told otherwise. */
const TRIED_AGAIN = new Set([409, 429, 502, 503, 504]);

/**
 * When to try again, as headers: whole seconds as HTTP has it, and the milliseconds that OpenAI's clients read. Or that it will
 * not help, which these read too.
 */
export function retryHeaders(error: AppError): Record<string, string> {
  if (error.retryAfterMs === undefined) return TRIED_AGAIN.has(error.status) ? { 'x-should-retry': 'false' } : {};
  return {
    'retry-after': String(Math.ceil(error.retryAfterMs / 1000)),
    'retry-after-ms': String(Math.ceil(error.retryAfterMs)),
  };
}

/** Errors of Fastify and its plug-ins that are for the client, by their code or, without one, their name. */
const LIBRARY_ERRORS: Readonly<Record<string, (options: { cause: unknown }) => AppError>> = {
  FST_ERR_CTP_INVALID_MEDIA_TYPE: raise.unsupported_media_type,
  FST_ERR_MAX_PARAM_LENGTH: raise.url_too_long,
  FST_ERR_NOT_FOUND: raise.not_found,
  FST_STATIC_FORBIDDEN_PATH: raise.not_found,
  PreconditionFailedError: raise.precondition_failed,
  RangeNotSatisfiableError: raise.range_not_satisfiable,
  FST_ERR_BAD_URL: (options) =>
    raise.invalid_request({ problem: 'The path is not valid: a percent sign starts no UTF-8.' }, options),
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: (options) =>
    raise.invalid_request({ problem: 'The body is not as long as its `Content-Length` says.' }, options),
};

/**
 * The error that tells a caller of whatever was thrown. What is not ours to show becomes `http.internal`, with the
 * original as the cause, for the log.
 */
export function toAppError(error: unknown): AppError {
  if (error instanceof AppError) return error;
  if (error instanceof DeadlineExceeded) return raise.deadline_exceeded({ cause: error });
  if (error instanceof Cancelled) return raise.client_gone({ cause: error });
  const { code, name, statusCode } = (error ?? {}) as { code?: unknown; name?: unknown; statusCode?: unknown };
  const known = LIBRARY_ERRORS[String(code ?? name)];
  if (known !== undefined) return known({ cause: error });
  // A body that stopped arriving: nobody is left to read the answer.
  if (code === 'ECONNRESET' && statusCode === 400) return raise.client_gone({ cause: error });
  return raise.internal({ cause: error });
}
