import type { PoolClient } from 'pg';
import type { CallContext } from '../../base/call-context.ts';
import type { ConnectionPool } from './connection-pool.ts';
import { abort } from './create-pg-pool.ts';
import type { Statement } from './statement.ts';

/** How long statements of one kind may keep a connection by following each other while others wait in line, in milliseconds. */
const TURN_MS = 200;

/** How much of the connections one statement, or all who share, may take: of ten, one is left for others. */
export const TAKEN_PART = 0.9;

/** A connection, had or waited for, with the statements on their way over it: usually one. */
export class Pipeline {
  readonly statementName: string;
  readonly sinceMs = performance.now();
  /** Settles when the connection is there, or cannot be had. */
  readonly connected: Promise<void>;
  /** Statements that have not let go of the connection. */
  depth = 0;
  /** Settles when the last statement that was sent has been answered. */
  lastAnswered: Promise<void> = Promise.resolve();
  /** How often the server was asked to cancel what runs here. Each may have hit the neighbour of what it was meant for. */
  cancelRequests = 0;
  /** Nothing follows any more: a cancel is on its way, which could hit it. */
  isClosed = false;
  /** The connection is not to be used again; those on it already go on. */
  isBroken = false;
  readonly #pool: ConnectionPool;
  readonly #leaveLine = new AbortController();
  #client: PoolClient | undefined;

  constructor(pool: ConnectionPool, statementName: string, waitMs: number) {
    this.#pool = pool;
    this.statementName = statementName;
    this.connected = pool.acquire(waitMs, this.#leaveLine.signal).then((client) => {
      // All may have left in the moment that it came.
      if (this.#leaveLine.signal.aborted) pool.release(client, false);
      else this.#client = client;
    });
    // Those who wait for it are told, if any are left.
    this.connected.catch(() => undefined);
  }

  /** The connection, once `connected`. */
  get client(): PoolClient {
    if (this.#client === undefined) throw new Error('This pipeline has no connection yet.');
    return this.#client;
  }

  /** Whether its connection broke. */
  get isLost(): boolean {
    return this.#client !== undefined && this.#pool.isLost(this.#client);
  }

  /** Closes the connection at once, which ends all that are on it: pg would wait for the answers to what was sent. */
  cut(): void {
    abort(this.client);
  }

  /** Gives the connection back, or leaves the line for one. */
  end(): void {
    if (this.#client === undefined) this.#leaveLine.abort();
    else this.#pool.release(this.#client, this.isBroken);
  }
}

/**
 * Lends the connections of a pool to statements. Where a statement's name has its part of the connections, one more is sent
 * behind another of the name on the same connection without waiting for that one's answer, as the protocol's pipelining has it:
 * over a distance a connection is idle for most of a round trip. Only its own kind, so that a statement that hangs, on a lock
 * say, holds up no other.
 */
export class Pipelines {
  readonly #pool: ConnectionPool;
  readonly #inUse = new Set<Pipeline>();

  constructor(pool: ConnectionPool) {
    this.#pool = pool;
  }

  /**
   * A connection for this statement, until `release`.
   *
   * @throws what `ConnectionPool.acquire` throws.
   */
  async acquire(statement: Statement<unknown>, waitMs: number, { deadline }: CallContext): Promise<Pipeline> {
    const pipeline = this.#findFollowed(statement) ?? new Pipeline(this.#pool, statement.name, waitMs);
    this.#inUse.add(pipeline);
    pipeline.depth++;
    try {
      await deadline.race(pipeline.connected);
      return pipeline;
    } catch (error) {
      this.release(pipeline, false);
      throw error;
    }
  }

  /** Lets go of the connection for one statement. A broken one is closed when the last has let go. */
  release(pipeline: Pipeline, isBroken: boolean): void {
    pipeline.depth--;
    if (isBroken) pipeline.isBroken = true;
    if (pipeline.depth > 0) return;
    this.#inUse.delete(pipeline);
    pipeline.end();
  }

  /** The connection to follow on: the least busy of those that the name has, once it has its part of them. */
  #findFollowed({ name, sharedBy }: Statement<unknown>): Pipeline | undefined {
    if (sharedBy === undefined) return undefined;
    const part = Math.max(1, Math.floor((this.#pool.capacity * TAKEN_PART) / sharedBy));
    const own = [...this.#inUse].filter((pipeline) => pipeline.statementName === name && this.#isOpen(pipeline));
    if (own.length < part) return undefined;
    // The oldest are left alone, and come free: others have become busy since, and the part is smaller.
    return own.slice(-part).reduce((best, each) => (best.depth < each.depth ? best : each));
  }

  /** Whether it may be followed: not for ever while others wait in line. */
  #isOpen({ isClosed, isBroken, isLost, sinceMs }: Pipeline): boolean {
    return !isClosed && !isBroken && !isLost && !(this.#pool.hasWaiting && performance.now() - sinceMs > TURN_MS);
  }
}
