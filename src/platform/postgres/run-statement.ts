import { setTimeout as sleep } from 'node:timers/promises';
import type { Client, QueryConfig } from 'pg';
import { requestCancel } from './cancel-request.ts';
import { endsConnection, postgresErrors } from './errors.ts';

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

/** Runs a statement on a connection. Rejects with the signal's reason at once when that aborts. */
export function runStatement<Row>(client: Client, query: QueryConfig, options: RunOptions): Promise<Row[]> {
  const { signal, silentAfterMs, release } = options;
  if (signal.aborted) {
    release(false);
    return Promise.reject(signal.reason);
  }
  return new Promise((resolve, reject) => {
    const ended = Promise.withResolvers<void>();
    let isGivenUp = false;
    const giveUp = (reason: unknown): void => {
      isGivenUp = true;
      clearTimeout(silence);
      signal.removeEventListener('abort', onAbort);
      reject(reason);
    };
    const onAbort = (): void => {
      giveUp(signal.reason);
      void cancel(client, ended.promise).then((isQuiet) => release(!isQuiet));
    };
    const silence = setTimeout(() => {
      release(true);
      giveUp(postgresErrors.raise.unavailable({ cause: new Error(`no answer within ${silentAfterMs} ms`) }));
    }, silentAfterMs);
    signal.addEventListener('abort', onAbort);
    void client.query<Record<string, unknown>>(query, (error: Error | null, result) => {
      ended.resolve();
      if (isGivenUp) return;
      clearTimeout(silence);
      signal.removeEventListener('abort', onAbort);
      release(error !== null && endsConnection(error));
      if (error !== null) reject(error);
      else resolve(result.rows as Row[]);
    });
  });
}

/** Cancels on the server and waits until the statement has ended and the request can hit nothing else. */
async function cancel(client: Client, ended: Promise<void>): Promise<boolean> {
  const request = requestCancel(client);
  const timer = new AbortController();
  const isQuiet = await Promise.race([
    Promise.all([request.delivered, ended]).then(([isDelivered]) => isDelivered),
    sleep(CANCEL_WAIT_MS, false, { signal: timer.signal }),
  ]);
  timer.abort();
  request.abandon();
  return isQuiet;
}
