import { setTimeout as sleep } from 'node:timers/promises';
import { Client, escapeIdentifier } from 'pg';
import { inTime } from '../../base/in-time.ts';
import type { Logger } from '../log/index.ts';

/** Options of `listen`. */
export interface ListenOptions {
  /** A `postgres://` URL that leads to the server itself, not to a transaction pooler: LISTEN belongs to a session. */
  readonly url: string;
  readonly channel: string;
  readonly onNotification: (payload: string) => void;
  /** Called when notifications may get lost from now on; those of the last two seconds may be lost already. */
  readonly onLost: () => void;
  /**
   * Called when LISTEN has succeeded, the first time too: every transaction that commits after this instant of the
   * database's clock, in milliseconds since 1970 rounded up, is heard of.
   */
  readonly onRestored: (sinceMs: number) => void;
  readonly log: Logger;
  /** Time between two signs of life, in milliseconds: 1,000. */
  readonly heartbeatMs?: number;
}

/** A connection that listens. */
export interface Notifications {
  /** Stops listening and reconnecting. `onLost` is not called. */
  close(): Promise<void>;
}

// A server that is silent for longer does not deliver notifications either. With the heartbeat: noticed within 2 s.
const ANSWER_BOUND_MS = 1_000;
// Seven round trips (TCP, TLS, password) of 250 ms and room for the rest; a hung attempt must not last, or nobody would
// notice that the server is back.
const CONNECT_BOUND_MS = 3_000;
const FIRST_PAUSE_MS = 50;
// One attempt a second troubles no server, and caches are trusted again soon after it is back.
const LONGEST_PAUSE_MS = 1_000;

/**
 * Listens to a channel for ever, on a connection of its own. When that is lost it says so, reconnects with growing,
 * jittered pauses, and says that too. A server that is silent without closing the connection is found out by a heartbeat
 * within `heartbeatMs` and a second.
 */
export function listen(options: ListenOptions): Notifications {
  const listener = new Listener(options);
  const finished = listener.run();
  return {
    close: async () => {
      listener.stop();
      await finished;
    },
  };
}

class Listener {
  readonly #options: ListenOptions;
  readonly #stopped = new AbortController();
  #client: Client | undefined;
  /** Undefined before the first attempt has ended one way or the other. */
  #isListening: boolean | undefined;

  constructor(options: ListenOptions) {
    this.#options = options;
  }

  stop(): void {
    this.#stopped.abort();
    this.#client?.connection.stream.destroy();
  }

  async run(): Promise<void> {
    let pauseMs = FIRST_PAUSE_MS;
    while (!this.#stopped.signal.aborted) {
      const error = await this.#listenOnce();
      if (this.#stopped.signal.aborted) return;
      pauseMs = this.#isListening ? FIRST_PAUSE_MS : Math.min(pauseMs * 2, LONGEST_PAUSE_MS);
      this.#lose(error);
      const jitteredMs = pauseMs * (0.5 + Math.random() / 2);
      await sleep(jitteredMs, undefined, { signal: this.#stopped.signal }).catch(() => undefined);
    }
  }

  /** Runs until the connection ends; answers why. */
  async #listenOnce(): Promise<unknown> {
    const { url, channel, onNotification, heartbeatMs = 1_000 } = this.#options;
    const named = new URL(url);
    // The doctor counts servers by it; as an option it would give way to a name in the URL.
    named.searchParams.set('application_name', `evenkeel notifications ${channel}`);
    const client = new Client({
      connectionString: named.href,
      connectionTimeoutMillis: CONNECT_BOUND_MS,
    });
    this.#client = client;
    // Ends the wait between two heartbeats; the query that runs, if any, fails by itself.
    const ended = new AbortController();
    client.on('error', (error) => ended.abort(error));
    client.on('end', () => ended.abort(new Error('the connection was closed')));
    client.on('notification', (notification) => {
      if (notification.channel === channel) onNotification(notification.payload ?? '');
    });
    try {
      await client.connect();
      await inTime(ANSWER_BOUND_MS, client.query(`listen ${escapeIdentifier(channel)}`));
      // Asked after LISTEN has committed, so that nothing lies between what is heard and what was before.
      const since = 'select ceil(extract(epoch from clock_timestamp()) * 1000)::float8 as since_ms';
      const { rows } = await inTime(ANSWER_BOUND_MS, client.query<{ since_ms: number }>(since));
      this.#restore(rows[0]?.since_ms ?? Number.POSITIVE_INFINITY);
      while (!ended.signal.aborted) {
        await sleep(heartbeatMs, undefined, { signal: ended.signal }).catch(() => ended.signal.throwIfAborted());
        await inTime(ANSWER_BOUND_MS, client.query('select 1'));
      }
      return ended.signal.reason;
    } catch (error) {
      return ended.signal.aborted ? ended.signal.reason : error;
    } finally {
      client.connection.stream.destroy();
    }
  }

  #restore(sinceMs: number): void {
    if (this.#stopped.signal.aborted) return;
    const { log, channel, onRestored } = this.#options;
    if (this.#isListening === false) log.info({ channel }, 'notifications of the database are heard again');
    this.#isListening = true;
    onRestored(sinceMs);
  }

  #lose(error: unknown): void {
    const { log, channel, onLost } = this.#options;
    if (this.#isListening === false) return;
    log.warn({ channel, err: error }, 'notifications of the database are not heard');
    const wasListening = this.#isListening;
    this.#isListening = false;
    if (wasListening) onLost();
  }
}
