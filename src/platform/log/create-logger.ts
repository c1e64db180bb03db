import pino, { type Bindings, type ChildLoggerOptions, type DestinationStream, type Logger } from 'pino';

import { isError, messageOf } from './describe-error.ts';
import { createMask } from './mask-secrets.ts';
import { redact } from './redact.ts';

export type { Logger };

/** What can be asked of the log, from most to least. */
export const logLevels = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;
export type LogLevel = (typeof logLevels)[number];

export interface LoggerOptions {
  /** Lines below this level are not written. */
  readonly level: LogLevel;
  /** Where lines go; standard output when absent. */
  readonly destination?: DestinationStream | undefined;
  /** Strings that may appear in no line: configured secrets, such as the model provider's key. */
  readonly secrets?: readonly string[];
}

/**
 * Lines waiting for a reader of our output who has stopped reading, in bytes. Beyond it lines are dropped: less loses
 * lines in a burst, more is memory that a stuck log collector takes from the requests.
 */
const UNREAD_BYTES = 16 * 1024 * 1024;

/** Lines are written when they are so many bytes or the first of them so old: a write for each costs as much as the line. */
const WRITTEN_AT_ONCE_BYTES = 64 * 1024;
const WRITE_INTERVAL_MS = 100;

/** How long the process waits at its exit for a reader of its output, in milliseconds. One that is stuck would hold it for ever. */
const LAST_WRITE_MS = 1_000;

/**
 * Where lines go. Asynchronous: a reader who stops reading must not stop the event loop. Pino flushes it when the process exits.
 * What cannot be written, say to a full disk, waits within `UNREAD_BYTES` until it can; a server does not end for want of its log.
 */
function openStandardOutput() {
  let endsAtMs = Number.POSITIVE_INFINITY;
  const output = pino.destination({
    fd: 1,
    contentMode: 'buffer',
    sync: false,
    minLength: WRITTEN_AT_ONCE_BYTES,
    maxWrite: 2 * WRITTEN_AT_ONCE_BYTES,
    periodicFlush: WRITE_INTERVAL_MS,
    maxLength: UNREAD_BYTES,
    retryEAGAIN: () => performance.now() < endsAtMs,
  });
  // Of the sonic-boom that package.json sets: the one that pino asks for tries for ever where nobody reads.
  const { flushSync } = output;
  output.flushSync = () => {
    endsAtMs = performance.now() + LAST_WRITE_MS;
    try {
      flushSync.call(output);
    } catch {
      // Nobody reads: what is left is lost with the process.
    }
  };
  // It tries again by itself. An error that nobody listens for ends the process.
  output.on('error', () => {});
  return output;
}

/** Makes the text of a line's time, which many lines of a busy server share. */
function createTimestamp(): () => string {
  let lastMs = 0;
  let text = '';
  return () => {
    const nowMs = Date.now();
    if (nowMs !== lastMs) text = `,"time":"${new Date(nowMs).toISOString()}"`;
    lastMs = nowMs;
    return text;
  };
}

/** The fields of a log call: `log.info(fields, text)`, `log.error(error)` or `log.info(text)`. */
function normaliseCall(args: unknown[]): unknown[] {
  const [first, ...rest] = args;
  const error = isError(first) ? first : (first as { err?: unknown } | undefined)?.err;
  const texts = rest.map((text) => (typeof text === 'object' && text !== null ? redact({ value: text }).value : text));
  if (typeof first === 'string') return [first, ...texts];
  // Pino would take the error's own message as the text, which may quote what a user wrote.
  if (isError(error) && texts.length === 0) texts.push(messageOf(error));
  return [isError(first) ? { err: first } : first, ...texts];
}

/** Fields bound to a child are turned into text at once, past the formatter of log calls; they are redacted here. */
function redactBindings(logger: Logger): void {
  const { child, setBindings } = logger;
  logger.child = function redactedChild(this: Logger, bindings: Bindings, options?: ChildLoggerOptions) {
    return Reflect.apply(child, this, [redact(bindings), options]);
  } as unknown as Logger['child'];
  logger.setBindings = function setRedactedBindings(this: Logger, bindings: Bindings) {
    setBindings.call(this, redact(bindings));
  };
}

/**
 * The structured log: one JSON object a line, with `level`, `time` (RFC 3339) and `msg`.
 *
 * No line holds a secret or what a user wrote. Three nets, each for what the one before cannot know: fields with a telling
 * name are masked at any depth; errors are described by chosen fields only; and the finished line is searched for what
 * looks like a key, a token, a URL with a password or a mail address, and for the `secrets` given.
 * A message text is ours to keep clean: never put content in it.
 */
export function createLogger(options: LoggerOptions): Logger {
  const mask = createMask(options.secrets ?? []);
  const timestamp = createTimestamp();
  // Bytes, for our own destination: the lines that wait there as text would be copied with each that joins them.
  const toWritten = options.destination
    ? (line: string) => line
    : (line: string) => Buffer.from(line) as unknown as string;
  const destination = options.destination ?? openStandardOutput();
  const logger = pino(
    {
      level: options.level,
      base: null,
      timestamp,
      formatters: { level: (label) => ({ level: label }), log: redact },
      serializers: {
        // Already described by `redact`, which sees errors under any name.
        err: (error: unknown) => error,
        req: (request: { id?: unknown; method?: unknown }) => ({ id: request.id, method: request.method }),
        res: (response: { statusCode?: unknown }) => ({ status: response.statusCode }),
      },
      hooks: {
        logMethod(args, method) {
          method.apply(this, normaliseCall(args) as Parameters<typeof method>);
        },
        streamWrite: (line) => toWritten(mask(line)),
      },
    },
    destination,
  );
  redactBindings(logger);
  ownLines.set(logger, (level, fields) => {
    const line = `{"level":"${level}"${timestamp()},${JSON.stringify(fields).slice(1)}\n`;
    destination.write(toWritten(line));
  });
  return logger;
}

/** How a logger writes lines that hold nothing but what is ours. */
const ownLines = new WeakMap<Logger, (level: 'info' | 'error', fields: object) => void>();

/**
 * Writes a line without looking for secrets and content in it. Only for fields that this process made itself (ids, names of
 * routes, numbers), and for lines that are many: it costs a fifth of `log.info`, which would be a tenth of a short request.
 */
export function logOwn(log: Logger, level: 'info' | 'error', fields: { readonly msg: string }): void {
  if (log.isLevelEnabled(level)) ownLines.get(log)?.(level, fields);
}
