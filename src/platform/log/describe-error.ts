import { isNativeError } from 'node:util/types';
import { AppError } from '../../base/errors.ts';

/** Fields that name things and hold no values of users: of AppError, Node's system errors, pg's DatabaseError. */
const SAFE_FIELDS = [
  'code',
  'status',
  'param',
  'syscall',
  'severity',
  'schema',
  'table',
  'constraint',
  'routine',
] as const;

/** Deeper chains and wider groups than these tell nobody more. */
const CAUSES_SHOWN = 5;
const FRAMES_SHOWN = 12;

/** Whether a thrown value is an Error, also one of another realm (a vm, a worker). */
export function isError(value: unknown): value is Error {
  return value instanceof Error || isNativeError(value);
}

/**
 * The message without what a user may have written. Postgres quotes the offending value in messages of class 22 (data
 * exceptions), V8 quotes the text that is not JSON, Fastify the address of a request that is answered twice, and some of our
 * own errors say that they quote.
 */
export function messageOf(error: Error): string {
  const code = (error as { code?: unknown }).code;
  if ('severity' in error && typeof code === 'string' && code.startsWith('22')) return `data exception ${code}`;
  if (code === 'FST_ERR_REP_ALREADY_SENT') return 'the request was answered already';
  if (error instanceof AppError && error.quotesInput) return 'not shown, for it may quote what a user wrote';
  if (error.name === 'SyntaxError' && error.message.includes('JSON')) return 'invalid JSON';
  return error.message;
}

/** Where it happened: our own frames, or the nearest ones when it did not pass through our code. */
function framesOf(error: Error): string[] {
  // The stack starts with the message, which may have lines that look like frames.
  const afterMessage = error.stack?.split(error.message).at(-1) ?? '';
  const frames = afterMessage
    .split('\n')
    .filter((line) => /^\s+at /.test(line))
    .map((line) => line.trim());
  const ours = frames.filter((frame) => !/node:|node_modules/.test(frame));
  return (ours.length > 0 ? ours : frames.slice(0, 3)).slice(0, FRAMES_SHOWN);
}

/**
 * Describes an error for the log: name, code, message, where in our code, and its chain of causes. Drops pg's detail,
 * where, query and parameters, and every other field: libraries hang requests, bodies and SQL on their errors.
 */
export function describeError(error: Error, causesLeft: number = CAUSES_SHOWN): Record<string, unknown> {
  const description: Record<string, unknown> = { name: error.name, message: messageOf(error) };
  for (const field of SAFE_FIELDS) {
    const value = (error as unknown as Record<string, unknown>)[field];
    if (typeof value === 'string' || typeof value === 'number') description[field] = value;
  }
  description.stack = framesOf(error);
  if (causesLeft > 0) {
    if (isError(error.cause)) description.cause = describeError(error.cause, causesLeft - 1);
    if (error instanceof AggregateError) {
      description.errors = error.errors
        .filter(isError)
        .slice(0, CAUSES_SHOWN)
        .map((one) => describeError(one, causesLeft - 1));
    }
  }
  return description;
}
