import { setTimeout as sleep } from 'node:timers/promises';
import type { PoolClient } from 'pg';
import type { CallContext } from '../../base/call-context.ts';
import type { ConnectionPool } from './connection-pool.ts';
import { abort } from './create-pg-pool.ts';
import { postgresErrors } from './errors.ts';
import type { Statement } from './statement.ts';

/** How long statements of one kind may keep a connection by following each other while others wait in line, in milliseconds. */
const TURN_MS = 200;

/** How much of the connections one statement, or all who share, may take: of ten, one is left for others. */
export const TAKEN_PART = 0.9;

/** What a connection is for, and how long it is waited for. */
interface PipelineOptions {
  readonly statementName: string;
  /** How long it is waited for, its turn included, in milliseconds. */
  readonly waitMs: number;
  /** Settles when the line for a connection may be joined; undefined: now. */
  readonly turn: Promise<void> | undefined;
}

/** A connection, had or waited for, with the statements on their way over it: usually one. */
export class Pipeline {
  readonly statementName: string;
  /** When the connection came, on the monotonic clock; until then it is waited for. */
  sinceMs = Number.POSITIVE_INFINITY;
  /** Settles when the connection is there, or cannot be had. */
  readonly connected: Promise<void>;
  /** Settles when the connection has been given back, or the line for one left. */
  readonly ended: Promise<void>;
  /** Statements that have not let go of the connection. */
  depth = 0;
  /** Statements that were sent and have not been answered. */
  unanswered = 0;
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
  readonly #settleEnded: () => void;
  #client: PoolClient | undefined;

  constructor(pool: ConnectionPool, { statementName, waitMs, turn }: PipelineOptions) {
    this.#pool = pool;
    this.statementName = statementName;
    this.connected = this.#connect(waitMs, turn);
    const { promise, resolve } = Promise.withResolvers<void>();
    this.ended = promise;
    this.#settleEnded = resolve;
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

  /** Whether its connection is to be replaced. */
  get isDue(): boolean {
    return this.#client !== undefined && this.#pool.isDue(this.#client);
  }

  /** Whether a new connection would lead to the same server. */
  get isRenewed(): boolean {
    return this.#pool.isRenewed(this.client);
  }

  /** Closes the connection at once, which ends all that are on it: pg would wait for the answers to what was sent. */
  cut(): void {
    abort(this.client);
  }

  /** Gives the connection back, or leaves the line for one. */
  end(): void {
    if (this.#client === undefined) this.#leaveLine.abort();
    else this.#pool.release(this.#client, this.isBroken);
    this.#settleEnded();
  }

  async #connect(waitMs: number, turn: Promise<void> | undefined): Promise<void> {
    const { signal } = this.#leaveLine;
    const giveUpAtMs = performance.now() + waitMs;
    if (turn !== undefined) {
      const isTurn = await Promise.race([turn.then(() => true), sleep(waitMs, false, { signal, ref: false })]);
      if (!isTurn) throw postgresErrors.raise.overloaded({ cause: new Error(`${this.statementName} has its part`) });
    }
    const client = await this.#pool.acquire(Math.max(0, giveUpAtMs - performance.now()), signal);
    // All may have left in the moment that it came.
    if (signal.aborted) return this.#pool.release(client, false);
    this.sinceMs = performance.now();
    this.#client = client;
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
    const pipeline = this.#choose(statement, waitMs);
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

  /**
   * The connection to follow on, once the name has its part of them: the least busy one. Else one more; when none may be
   * followed, as soon as one of the name has ended.
   */
  #choose({ name, sharedBy }: Statement<unknown>, waitMs: number): Pipeline {
    const own = sharedBy === undefined ? [] : [...this.#inUse].filter(({ statementName }) => statementName === name);
    const part = Math.max(1, Math.floor((this.#pool.capacity * TAKEN_PART) / (sharedBy ?? 1)));
    const hasPart = own.length >= part;
    // The oldest are left alone, and come free: others have become busy since, and the part is smaller.
    const [first, ...others] = hasPart ? own.filter((pipeline) => this.#isOpen(pipeline)).slice(-part) : [];
    if (first !== undefined) return others.reduce((best, each) => (best.depth < each.depth ? best : each), first);
    const turn = hasPart && !this.#mayReplace(own, part) ? this.#untilFewer(own, part) : undefined;
    return new Pipeline(this.#pool, { statementName: name, waitMs, turn });
  }

  /** Whether one that only waits for its cancel need not be waited for: never at the cost of what is left for others. */
  #mayReplace(own: readonly Pipeline[], part: number): boolean {
    const isOneFree = this.#inUse.size < Math.floor(this.#pool.capacity * TAKEN_PART);
    return isOneFree && own.filter(({ isClosed }) => !isClosed).length < part;
  }

  async #untilFewer(pipelines: readonly Pipeline[], part: number): Promise<void> {
    let left = pipelines;
    while (left.length >= part) {
      await Promise.race(left.map(({ ended }) => ended));
      left = left.filter((pipeline) => this.#inUse.has(pipeline));
    }
  }

  /** Whether it may be followed: not for ever while others wait in line, nor when its connection is to be replaced. */
  #isOpen({ isClosed, isBroken, isLost, isDue, sinceMs }: Pipeline): boolean {
    if (isClosed || isBroken || isLost || isDue) return false;
    return !(this.#pool.hasWaiting && performance.now() - sinceMs > TURN_MS);
  }
}
