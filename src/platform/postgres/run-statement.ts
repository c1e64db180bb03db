import { setTimeout as sleep } from 'node:timers/promises';
import type { QueryConfig } from 'pg';
import { requestCancel } from './cancel-request.ts';
import {
  CancelledByNeighbour,
  endsConnection,
  isCancelled,
  isNeverBegun,
  isReadOnly,
  isTextUnknown,
  postgresErrors,
  toCallerError,
} from './errors.ts';
import type { Pipeline } from './pipelines.ts';

/** The circumstances of one run. */
export interface RunOptions {
  /** Cancels the statement on the server. */
  readonly signal: AbortSignal;
  /** A server that has said nothing for so long is given up; above the server's own statement_timeout. */
  readonly silentAfterMs: number;
  /**
   * Called once, when nothing of the statement can reach the connection any more: `true` when the connection must not be
   * used again. After a cancel that is later than the promise settles.
   */
  release(isBroken: boolean): void;
}

// A healthy server ends a cancelled statement within a round trip or two; one that takes longer costs its connection.
const CANCEL_WAIT_MS = 1_000;

/**
 * Runs a statement on a connection, behind those that are on their way already. Rejects with the signal's reason at once when
 * that aborts, and with `CancelledByNeighbour` when the cancel of one before it hit this one, or that one's failure kept it from
 * beginning: it has then done nothing.
 */
export function runStatement<Row>(pipeline: Pipeline, query: QueryConfig, options: RunOptions): Promise<Row[]> {
  const { signal, silentAfterMs, release } = options;
  if (signal.aborted) {
    release(false);
    return Promise.reject(signal.reason);
  }
  return new Promise((resolve, reject) => {
    const cancelRequestsBefore = pipeline.cancelRequests;
    const before = pipeline.lastAnswered;
    const isFollowing = pipeline.unanswered++ > 0;
    const answered = Promise.withResolvers<void>();
    pipeline.lastAnswered = answered.promise;
    let isSettled = false;
    let silence: NodeJS.Timeout | undefined;
    const settle = (): void => {
      isSettled = true;
      clearTimeout(silence);
      signal.removeEventListener('abort', onAbort);
    };
    const onAbort = (): void => {
      settle();
      reject(signal.reason);
      void cancel(pipeline, before, answered.promise).then((isQuiet) => {
        if (!isQuiet) pipeline.cut();
        release(!isQuiet);
      });
    };
    const onSilence = (): void => {
      settle();
      pipeline.cut();
      release(true);
      reject(postgresErrors.raise.unavailable({ cause: new Error(`no answer within ${silentAfterMs} ms`) }));
    };
    // The server's own bound begins when it begins with the statement: when the one before has been answered.
    void before.then(() => {
      if (!isSettled) silence = setTimeout(onSilence, silentAfterMs);
    });
    signal.addEventListener('abort', onAbort);
    void pipeline.client.query<Record<string, unknown>>(query, (error: Error | null, result) => {
      answered.resolve();
      pipeline.unanswered--;
      if (isSettled) return;
      settle();
      // It is the server that is read-only then, not the connection that is of yesterday.
      const isReadOnlyForGood = isReadOnly(error) && pipeline.isRenewed;
      // pg believes for good that the server knows it, where nothing was on its way that was to bring it.
      const isForgotten = isTextUnknown(error) && !isFollowing;
      release(error !== null && (endsConnection(error) || isForgotten) && !isReadOnlyForGood);
      if (error === null) resolve(result.rows as Row[]);
      else if (isReadOnlyForGood) reject(toCallerError(error, false));
      else reject(reasonOf(error, pipeline.cancelRequests > cancelRequestsBefore));
    });
  });
}

/** What the caller makes of an error, for which a neighbour may be the reason. */
function reasonOf(error: Error, wasCancelRequested: boolean): Error {
  const isNeighbours = isNeverBegun(error) || (isCancelled(error) && wasCancelRequested);
  return isNeighbours ? new CancelledByNeighbour('it has done nothing', { cause: error }) : error;
}

/**
 * Cancels on the server, when those before it have been answered, and waits until the statement has ended and the request can
 * hit nothing that is sent later.
 */
async function cancel(pipeline: Pipeline, before: Promise<void>, answered: Promise<void>): Promise<boolean> {
  pipeline.isClosed = true;
  await before;
  pipeline.cancelRequests++;
  const request = requestCancel(pipeline.client);
  const timer = new AbortController();
  const isQuiet = await Promise.race([
    Promise.all([request.delivered, answered]).then(([isDelivered]) => isDelivered),
    sleep(CANCEL_WAIT_MS, false, { signal: timer.signal }),
  ]);
  timer.abort();
  request.abandon();
  return isQuiet;
}
