import pg from 'pg';
import type { Logger } from '../log/index.ts';
import { sessionSettings } from './session-settings.ts';
import { typeParsers } from './type-parsers.ts';

// Long enough for a burst to come back to its connections, short enough to leave the server's places to others.
const OVERFLOW_IDLE_MS = 5_000;
const TCP_KEEP_ALIVE_MS = 10_000;
// A server that is there has closed its end within a round trip or two of the goodbye.
const FAREWELL_MS = 1_000;

/** Options of the pool. All but the URL and the log may be left out of those of `openPostgres`. */
export interface ConnectionPoolOptions {
  /** A `postgres://` URL; its own `options` are kept. */
  readonly url: string;
  readonly log: Logger;
  /** A pooler is in between, which refuses session settings at the start: then the role's own hold. No. */
  readonly isPooled: boolean;
  /** Connections that are kept: 10. */
  readonly poolSize: number;
  /** Connections beyond those under load, closed soon after use: 20. */
  readonly poolOverflow: number;
  /** How long opening a connection may take: 10,000. A caller does not wait that long; the connection serves the next. */
  readonly connectTimeoutMs: number;
  /** How long the server works on a statement: 30,000. A server silent for half a second longer is given up. */
  readonly statementTimeoutMs: number;
  /** A connection older than that, or up to a quarter younger, is replaced: 3,600. One that nobody asks for, at twice the age. */
  readonly maxAgeSeconds: number;
  /** A connection that was idle for longer is checked before use: 30,000. */
  readonly checkAfterIdleMs: number;
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
