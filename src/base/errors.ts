/**
 * Errors that a caller may see. Each feature declares a closed set of them in its `errors.ts`; nothing else reaches the
 * wire. How they look there is decided by `platform/http`.
 */

/** What is true of every error with a given code. */
export interface ErrorDefinition<Details> {
  /** HTTP status. 408, 409, 429 and 5xx are retried by clients on their own: use them only where nothing was stored. */
  readonly status: number;
  /** Public text: says what to do next. Never holds user content, SQL, a path or a secret. */
  readonly message: string | ((details: Details) => string);
  /** Milliseconds after which a retry can help; sent as `Retry-After`. Absent: a retry as it is will not help. */
  readonly retryAfterMs?: number;
  /** Whether the message may all the same quote what a user wrote, as another's may that is passed on: no log has it then. */
  readonly quotesInput?: boolean;
}

/** How one occurrence of an error is raised. */
export interface ErrorOptions {
  /** The request field at fault, as the caller wrote it: `title`, `messages[0].role`, `limit`. */
  readonly param?: string;
  /** What went wrong underneath. Stays in the log. */
  readonly cause?: unknown;
  /** Overrides the definition's `retryAfterMs`, in milliseconds. */
  readonly retryAfterMs?: number;
}

/** The one class of error that reaches a caller: a dotted code, an HTTP status and a public message. */
export class AppError extends Error {
  override readonly name = 'AppError';
  /** `feature.reason`, unique in the process, listed in `docs/reference/errors.md`. */
  readonly code: string;
  readonly status: number;
  readonly param: string | undefined;
  readonly retryAfterMs: number | undefined;
  /** As in `ErrorDefinition`. */
  readonly quotesInput: boolean;

  constructor(
    code: string,
    {
      status,
      message,
      quotesInput = false,
      ...options
    }: Pick<AppError, 'status' | 'message'> &
      Partial<Pick<AppError, 'quotesInput' | 'retryAfterMs'>> &
      Omit<ErrorOptions, 'retryAfterMs'>,
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.status = status;
    this.param = options.param;
    this.retryAfterMs = options.retryAfterMs;
    this.quotesInput = quotesInput;
  }
}

/** A code's row in the catalogue, as it is documented, and as an error that was stored is told again. */
export interface CatalogueEntry {
  readonly code: string;
  readonly status: number;
  /** As in `ErrorDefinition`. */
  readonly retryAfterMs: number | undefined;
  /** As in `ErrorDefinition`. */
  readonly quotesInput: boolean;
  /** The public text, with `…` where a detail is filled in. */
  readonly message: string;
}

type DetailsOf<D> = D extends { message: (details: infer Details) => string } ? Details : undefined;

type Raise<D> =
  DetailsOf<D> extends undefined
    ? (options?: ErrorOptions) => AppError
    : (details: DetailsOf<D>, options?: ErrorOptions) => AppError;

type ErrorFactories<Definitions> = { readonly [Name in keyof Definitions]: Raise<Definitions[Name]> };

/** The error factories of one feature together with what the catalogue says of them. */
export interface ErrorSet<Definitions> {
  readonly raise: ErrorFactories<Definitions>;
  readonly catalogue: readonly CatalogueEntry[];
}

const placeholders = new Proxy({}, { get: () => '…' });

/**
 * Declares the errors of a feature. `defineErrors('keys', { revoked: { status: 401, message: '…' } })` gives
 * `raise.revoked()`, which makes (and does not throw) an `AppError` with the code `keys.revoked`.
 */
// biome-ignore lint/suspicious/noExplicitAny: each definition has a details type of its own; DetailsOf reads it back.
export function defineErrors<const Definitions extends Record<string, ErrorDefinition<any>>>(
  feature: string,
  definitions: Definitions,
): ErrorSet<Definitions> {
  const raise: Record<string, unknown> = {};
  const catalogue: CatalogueEntry[] = [];
  for (const [reason, definition] of Object.entries(definitions)) {
    const code = `${feature}.${reason}`;
    const { status, message, retryAfterMs, quotesInput = false } = definition;
    const withRetry = (options: ErrorOptions = {}): ErrorOptions =>
      retryAfterMs === undefined ? options : { retryAfterMs, ...options };
    raise[reason] =
      typeof message === 'function'
        ? (details: unknown, options?: ErrorOptions) =>
            new AppError(code, { status, quotesInput, message: message(details), ...withRetry(options) })
        : (options?: ErrorOptions) => new AppError(code, { status, quotesInput, message, ...withRetry(options) });
    const text = typeof message === 'function' ? message(placeholders) : message;
    catalogue.push({ code, status, retryAfterMs, quotesInput, message: text });
  }
  return { raise: raise as ErrorFactories<Definitions>, catalogue };
}
