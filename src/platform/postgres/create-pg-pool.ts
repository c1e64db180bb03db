import pg from 'pg';
import type { Logger } from '../log/index.ts';
import { sessionSettings } from './session-settings.ts';
import { typeParsers } from './type-parsers.ts';

// Long enough for a burst to come back to its connections, short enough to leave the server's places to others.
const OVERFLOW_IDLE_MS = 5_000;
const TCP_KEEP_ALIVE_MS = 10_000;
// A server that is there has closed its end within a round trip or two of the goodbye.
const FAREWELL_MS = 1_000;

/** Options of the pool; `openPostgres` knows the defaults. */
export interface ConnectionPoolOptions {
  /** A `postgres://` URL. */
  readonly url: string;
  /** Connections that are kept. */
  readonly poolSize: number;
  /** Connections beyond those, closed soon after use. */
  readonly poolOverflow: number;
  readonly connectTimeoutMs: number;
  /** Sent to the server as `statement_timeout`. */
  readonly statementTimeoutMs: number;
  /** The age at which a connection is replaced, or up to a quarter less. */
  readonly maxAgeSeconds: number;
  /** A connection that was idle for longer is checked before it is handed out. */
  readonly checkAfterIdleMs: number;
  /** Whether a pooler is in between, which takes no session settings. */
  readonly isPooled: boolean;
  readonly log: Logger;
}

/**
 * Makes pg's pool, whose connections send what they are given without waiting for answers. Notes in `attempts` when each begins to
 * be opened. One that is closed is gone within a second, whether or not the server answers.
 */
export function createPgPool(pool: ConnectionPoolOptions, attempts: Map<pg.Client, number>): pg.Pool {
  const { url, statementTimeoutMs, isPooled, ...options } = pool;
  class WatchedClient extends pg.Client {
    constructor(config?: string | pg.ClientConfig) {
      super(config);
      attempts.set(this, performance.now());
      this.once('end', () => attempts.delete(this));
    }

    // A frozen server, or a network that swallows everything, never says goodbye: the socket would stay for ever.
    override end(): Promise<void>;
    override end(onEnd: (error: Error) => void): void;
    override end(onEnd?: (error: Error) => void): Promise<void> | undefined {
      setTimeout(() => abort(this), FAREWELL_MS).unref();
      return onEnd === undefined ? super.end() : void super.end(onEnd);
    }
  }
  return new pg.Pool({
    Client: WatchedClient,
    ...(isPooled ? { connectionString: url } : sessionSettings(url, statementTimeoutMs)),
    application_name: 'evenkeel',
    pipeline: true,
    connectionTimeoutMillis: options.connectTimeoutMs,
    keepAlive: true,
    keepAliveInitialDelayMillis: TCP_KEEP_ALIVE_MS,
    min: options.poolSize,
    max: options.poolSize + options.poolOverflow,
    idleTimeoutMillis: OVERFLOW_IDLE_MS,
    // For those that nobody asks for; of all others the age is looked at when they are.
    maxLifetimeSeconds: 2 * options.maxAgeSeconds,
    types: typeParsers,
  });
}

/** Ends a connection without a goodbye, also one that is being opened; pg and its pool learn of it as of any other failure. */
export function abort(client: pg.Client): void {
  client.connection.stream.destroy();
}
