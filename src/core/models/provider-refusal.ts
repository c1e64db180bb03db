import type { AppError, ErrorOptions } from '../../base/errors.ts';
import { modelErrors } from './errors.ts';
import type { ResponseHead } from './provider-response.ts';

/** An answer other than 200, as it came. */
export interface ProviderRefusal extends ResponseHead {
  readonly text: string;
}

/** An answer other than 200, as the cause of the error raised for it. Quotes nothing that the provider said. */
export class ProviderRefused extends Error {
  override readonly name = 'ProviderRefused';
  /** What the provider's Retry-After asks for, in milliseconds; absent when it asks for nothing that can be read. */
  readonly retryAfterMs: number | undefined;

  constructor(status: number, code: string, retryAfterMs?: number) {
    super(`the provider answered ${status} (${code})`);
    this.retryAfterMs = retryAfterMs;
  }
}

/** Of the provider's words to the caller, so much at most: enough to say what is wrong, too little to be a payload. */
const MESSAGE_CHARACTERS = 500;

/** A longer wait than this is not passed on: clients would hang in it. The error's own default is sent instead. */
const LONGEST_PASSED_ON_MS = 60_000;

function readRetryAfterMs(headers: ProviderRefusal['headers'], now: Date): number | undefined {
  const value = headers['retry-after'];
  if (typeof value !== 'string') return undefined;
  const isSeconds = /^\d{1,9}(\.\d{1,3})?$/.test(value);
  const afterMs = isSeconds ? Number(value) * 1000 : Date.parse(value) - now.getTime();
  return afterMs >= 0 ? afterMs : undefined;
}

interface Told {
  readonly message: string | undefined;
  readonly param: string | undefined;
  /** The provider's own code or type, for the log. */
  readonly code: string;
}

/** How providers say that the conversation is too long, other than by OpenAI's code. */
const TOO_LONG = new RegExp(
  [
    'maximum (?:context|prompt) length|context (?:length|window|size)|prompt is too long|input is too long|prompt (?:\\S+ )*too large',
    'too large for model|exceeds? the maximum number of tokens|exceeded model token limit|range of input length|too many tokens',
  ].join('|'),
  'i',
);

/** How providers say that this server's account has nothing left to spend. A moment's patience does not change that. */
const NO_MONEY = [
  'insufficient_quota',
  'exceeded_current_quota_error',
  'billing_hard_limit_reached',
  'Arrearage',
  '1113',
];

/** How providers begin to say, by a status that blames the request, that key, account or model are at fault: those are not the caller's. */
const NOT_THE_CALLERS =
  /^(?:API key (?:not valid|expired)|Your credit balance is too low|Model Not Exist$|Invalid model\b|\S{1,200} is not a valid model ID$)/i;

/** A text without what Postgres does not take; undefined when it is none, or holds `secret`. */
function readText(value: unknown, secret: string | undefined): string | undefined {
  if (typeof value !== 'string') return undefined;
  // The secret is looked for after that: characters left out of it could have hidden it.
  const text = value.replaceAll('\0', '').toWellFormed();
  return text === '' || (secret && text.includes(secret)) ? undefined : text;
}

const firstOf = (value: unknown): unknown => (Array.isArray(value) ? value[0] : value);

/**
 * The object that holds the message: `error`, the first of a list (Gemini, Cloudflare), without `error` around it (vLLM), or a
 * text.
 */
function findError(text: string): unknown {
  try {
    const body = firstOf(JSON.parse(text)) as { error?: unknown; errors?: unknown } | undefined;
    const error = firstOf(body?.error ?? body?.errors) ?? body;
    return typeof error === 'string' ? { message: error } : error;
  } catch {
    return undefined;
  }
}

/** The words of an error: `message`, what FastAPI's checks found, which Mistral puts into it, or whom OpenRouter asked said. */
function findMessage({ message, detail, metadata }: Record<string, unknown>): unknown {
  const { raw } = (metadata ?? {}) as { raw?: unknown };
  if (typeof message === 'string') return typeof raw === 'string' && raw !== '' ? raw : message;
  const found = (message as { detail?: unknown } | null | undefined)?.detail ?? detail;
  const { loc, msg } = (firstOf(found) ?? {}) as { loc?: unknown; msg?: unknown };
  return typeof msg === 'string' && Array.isArray(loc) ? `${loc.join('.')}: ${msg}` : found;
}

/** Reads `{message,param,type,code}`, wherever providers put it; undefined when it is not there. */
function readError(text: string, secret: string | undefined): Told | undefined {
  const error = findError(text);
  if (typeof error !== 'object' || error === null) return undefined;
  const { param, code, type } = error as Record<string, unknown>;
  const message = findMessage(error as Record<string, unknown>);
  if (typeof message !== 'string') return undefined;
  const name = [code, type]
    .map((value) => readText(value, secret))
    .find((value) => value && /^[\w.-]{1,64}$/.test(value));
  const field = readText(param, secret);
  return {
    message: readText(message, secret)?.slice(0, MESSAGE_CHARACTERS).toWellFormed(),
    param: field !== undefined && field.length <= 200 ? field : undefined,
    code: name ?? 'no code',
  };
}

/** The error of a request that is at fault: in the provider's own words, where it has some. */
function toRequestError(told: Told | undefined, cause: ProviderRefused): AppError {
  const { context_length_exceeded: tooLong, invalid_request: invalid } = modelErrors.raise;
  const isTooLong = told?.code === 'context_length_exceeded' || TOO_LONG.test(told?.message ?? '');
  const raise = isTooLong ? tooLong : invalid;
  const reason = told?.message ?? 'The model provider refused the request as invalid.';
  return raise({ reason }, { cause, ...(told?.param && { param: told.param }) });
}

function isOperators({ code, message = '' }: Told): boolean {
  return NO_MONEY.includes(code) || NOT_THE_CALLERS.test(message);
}

/**
 * The error to raise for an answer other than 200. The provider's own words reach the caller only where the request
 * is at fault, and never when they hold `secret`.
 */
export function toRefusalError(refusal: ProviderRefusal, secret: string | undefined, now: Date): AppError {
  const { raise } = modelErrors;
  const { status } = refusal;
  const told = readError(refusal.text, secret);
  const retryAfterMs = readRetryAfterMs(refusal.headers, now);
  const cause = new ProviderRefused(status, told?.code ?? 'no error object', retryAfterMs);
  const isPassedOn = retryAfterMs !== undefined && retryAfterMs <= LONGEST_PASSED_ON_MS;
  const options: ErrorOptions = { cause, ...(isPassedOn && { retryAfterMs }) };
  if (status < 500 && told !== undefined && isOperators(told)) return raise.refused({ cause });
  if (status === 429) return raise.rate_limited(options);
  if (status === 408) return raise.timeout({ missing: 'its answer' }, options);
  if (status >= 500) return raise.provider_error(options);
  if (status === 401 || status === 402 || status === 403 || status === 407) return raise.refused({ cause });
  // Of the caller's request we know the model to be one of ours: what the provider does not find is a wrong target.
  if (told !== undefined && status === 404) return raise.refused({ cause });
  // Also when a proxy says so in HTML, that the body is too long say: another try would be refused again.
  if (status === 400 || status === 413 || status === 422) {
    return toRequestError(told, cause);
  }
  return raise.bad_response({ cause });
}
