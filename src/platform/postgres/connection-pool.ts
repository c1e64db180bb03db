import { setTimeout as sleep } from 'node:timers/promises';
import type pg from 'pg';
import type { AppError } from '../../base/errors.ts';
import { newId } from '../../base/ids.ts';
import { checkConnection } from './check-connection.ts';
import { ConnectionState, type SentStatement } from './connection-state.ts';
import { abort, type ConnectionPoolOptions, createPgPool } from './create-pg-pool.ts';
import { NotConnected, postgresErrors, sqlState } from './errors.ts';
import { type PoolStatus, poolHealth } from './pool-status.ts';
import type { Statement } from './statement.ts';

// While callers wait in line.
const ASK_AGAIN_MS = 50;
// After a failed attempt to connect: at most ten a second, and soon enough for the callers that wait half a second.
const RECONNECT_PAUSE_MS = 100;
// When no place is left, attempts that hang give way, or nobody would notice that the server is back until they time out: no
// sooner than most handshakes take, a few a second, and never the oldest of several, or one that takes longer would never end.
const HUNG_ATTEMPT_MS = 1_000;
const MAKE_ROOM_PAUSE_MS = 250;
// Several round trips to a far server; who waits half a second still has time for a new connection.
const CHECK_MS = 400;
// After all connections were to be closed, for so long: where one leads that was opened since, the next would lead, too. A
// failover that comes later must be noticed again.
const RENEWED_MS = 2_000;

/**
 * Connections for callers that wait in line. pg's pool opens, keeps, ages and closes them. The line is ours: with pg's,
 * whoever causes a connection to be opened waits for that one although others come free, and can neither leave nor be told
 * apart from those who left. Here a connection goes to the first in line, whether it was just opened or just released.
 */
export class ConnectionPool {
  readonly #options: ConnectionPoolOptions;
  /** How many connections may be open. */
  readonly capacity: number;
  readonly #pool: pg.Pool;
  readonly #states = new WeakMap<pg.Client, ConnectionState>();
  /** Connections being opened, with the time of their beginning. */
  readonly #attempts = new Map<pg.Client, number>();
  readonly #waiters = new Set<(client: pg.PoolClient) => void>();
  /** Connections that pg's pool has promised and not yet delivered. */
  #asked = 0;
  #inUse = 0;
  #connectError: Error | undefined;
  #nextAttemptAtMs = 0;
  #askAgain: NodeJS.Timeout | undefined;
  #roomMadeAtMs = 0;
  /** What was opened before is to be closed. */
  #staleBeforeMs = Number.NEGATIVE_INFINITY;
  #leftReadOnlyAtMs = Number.NEGATIVE_INFINITY;
  /**
   * Ends every text on connections that are opened from now on, once a plan was found to be out of date: a pooler keeps plans by
   * their texts, beyond our connections, and would answer with the same one.
   */
  #textMark = '';
  /** What was silent then, the network has forgotten. */
  #forgottenAtMs = Number.NEGATIVE_INFINITY;
  #isClosing = false;

  constructor(options: ConnectionPoolOptions) {
    this.#options = options;
    this.capacity = options.poolSize + options.poolOverflow;
    this.#pool = createPgPool(options, this.#attempts);
    this.#pool.on('connect', (client) => this.#onConnect(client));
    // Without a listener it would end the process.
    this.#pool.on('error', (error) => this.#warn(error, 'an idle database connection was lost'));
  }

  /**
   * A connection of one's own until `release`.
   *
   * @throws AppError `postgres.overloaded` or `postgres.unavailable` after `waitMs`; the signal's reason when it aborts.
   */
  async acquire(waitMs: number, signal: AbortSignal): Promise<pg.PoolClient> {
    if (this.#isClosing)
      throw postgresErrors.raise.unavailable({ cause: new NotConnected(new Error('the pool is closed')) });
    signal.throwIfAborted();
    return new Promise((resolve, reject) => {
      const leave = (): void => {
        clearTimeout(timer);
        signal.removeEventListener('abort', onAbort);
        this.#waiters.delete(serve);
      };
      const serve = (client: pg.PoolClient): void => {
        leave();
        resolve(client);
      };
      const onAbort = (): void => {
        leave();
        reject(signal.reason);
      };
      const timer = setTimeout(() => {
        leave();
        reject(this.#waitError(waitMs));
      }, waitMs);
      signal.addEventListener('abort', onAbort);
      this.#waiters.add(serve);
      this.#ask();
    });
  }

  /** Gives a connection back; a broken one is closed. */
  release(client: pg.PoolClient, isBroken: boolean): void {
    const state = this.#states.get(client);
    // Null while it is new.
    const isInTransaction = !['I', null].includes(client.getTransactionStatus());
    const isInOrder = !isBroken && state?.isLost === false && !this.#isStale(state) && !isInTransaction;
    const isReusable = isInOrder && (!state.isAged || this.#servesOn());
    if (state !== undefined) state.idleSinceMs = performance.now();
    const [next] = this.#waiters;
    if (isReusable && next !== undefined) {
      next(client);
      return;
    }
    this.#inUse--;
    client.release(!isReusable);
    this.#ask();
  }

  /** A statement as this connection is to be sent it: with a name to prepare it under, unless it has enough of them. */
  toSend(client: pg.PoolClient, statement: Statement<unknown>): SentStatement {
    return this.#states.get(client)?.toSend(statement) ?? { text: statement.text };
  }

  /** Whether the connection broke, as opposed to the server refusing something. */
  isLost(client: pg.PoolClient): boolean {
    return this.#states.get(client)?.isLost ?? true;
  }

  /** Whether the connection is to be replaced: its time is over, or it is of before a `refresh`. */
  isDue(client: pg.PoolClient): boolean {
    const state = this.#states.get(client);
    return state === undefined || state.isAged || this.#isStale(state);
  }

  /** Whether callers wait in line. */
  get hasWaiting(): boolean {
    return this.#waiters.size > 0;
  }

  /**
   * Closes every connection of before now, when it is next idle or asked for. Not again for one that is to be closed already:
   * those of its time are, too.
   */
  refresh(because?: { readonly client: pg.PoolClient; readonly isReadOnly: boolean }): void {
    const openedAtMs = because === undefined ? Number.POSITIVE_INFINITY : this.#openedAtMs(because.client);
    if (openedAtMs <= this.#staleBeforeMs) return;
    this.#staleBeforeMs = performance.now();
    if (because === undefined) return;
    if (because.isReadOnly) this.#leftReadOnlyAtMs = this.#staleBeforeMs;
    // Then a plan was out of date.
    else this.#textMark = `\n-- ${newId()}`;
  }

  /** Refreshes because a connection was found to be read-only, unless that was done of late: a new one would be, too. */
  refreshReadOnly(): void {
    if (performance.now() - this.#staleBeforeMs >= RENEWED_MS) this.refresh();
  }

  /** Whether all that led to a read-only server were closed of late and this one was opened since: a new one would lead there, too. */
  isRenewed(client: pg.PoolClient): boolean {
    const isOfLate = performance.now() - this.#leftReadOnlyAtMs < RENEWED_MS;
    return isOfLate && this.#openedAtMs(client) > this.#leftReadOnlyAtMs;
  }

  status(): PoolStatus {
    const { totalCount: total, idleCount } = this.#pool;
    const active = this.#inUse + this.#asked;
    const utilisation = active / this.capacity;
    return {
      total,
      active,
      idle: idleCount,
      waiting: this.#waiters.size,
      size: this.#options.poolSize,
      overflow: Math.max(0, total - this.#options.poolSize),
      utilisation,
      status: poolHealth(utilisation),
    };
  }

  /**
   * Refuses new callers, serves those in line, and settles when every connection has been released. Each is closed then, or a
   * second later when the server does not answer.
   */
  async close(): Promise<void> {
    this.#isClosing = true;
    while (this.#waiters.size > 0) await sleep(10);
    for (const client of this.#attempts.keys()) abort(client);
    if (!this.#pool.ending) await this.#pool.end();
  }

  #onConnect(client: pg.PoolClient): void {
    this.#attempts.delete(client);
    this.#connectError = undefined;
    const state = new ConnectionState(this.#options.maxAgeSeconds, this.#textMark);
    this.#states.set(client, state);
    // The caller whose statement was running learns of it by its statement's error.
    client.on('error', () => {
      state.isLost = true;
    });
  }

  /** Asks pg's pool for as many connections as callers wait and places are left; again while they wait, for time tells what hangs. */
  #ask(): void {
    while (this.#expected() < this.#waiters.size && !this.#isFull() && this.#mayConnect()) this.#connect();
    if (this.#waiters.size === 0) return;
    this.#makeRoom();
    this.#askAgain ??= setTimeout(() => {
      this.#askAgain = undefined;
      this.#ask();
    }, ASK_AGAIN_MS);
  }

  #connect(): void {
    this.#asked++;
    this.#pool.connect((error, client) => {
      if (client === undefined) this.#onConnectError(error);
      else void this.#take(client);
    });
  }

  /**
   * Whether a connection whose time is over serves on: while no other is idle, until its successor is there, which is opened
   * here. Not when there is no room for one.
   */
  #servesOn(): boolean {
    if (this.#isClosing || this.#pool.idleCount > 0) return false;
    if (this.#attempts.size > 0) return true;
    if (this.#isFull()) return false;
    if (this.#mayConnect()) this.#connect();
    return true;
  }

  /** Connections that will soon be had. Nothing is expected of attempts that hang, and of none while there is an idle one. */
  #expected(): number {
    // An attempt that failed counts for a moment after its caller was told.
    return Math.max(0, this.#asked - (this.#pool.idleCount > 0 ? this.#attempts.size : this.#countHung()));
  }

  /** For nobody in particular: whoever waits may leave, and the connection is kept all the same if it is in order. */
  async #take(client: pg.PoolClient): Promise<void> {
    const state = this.#states.get(client);
    const isStale = state === undefined || this.#isStale(state);
    const isInOrder = isStale || !this.#wasSilent(state, performance.now()) || (await this.#isKnown(client, state));
    // pg would wait for the answer before it closes the connection.
    if (!isInOrder) abort(client);
    this.#asked--;
    this.#inUse++;
    // A stale one is closed there.
    this.release(client, !isInOrder);
  }

  /** After a long silence the network may have forgotten a connection without telling. */
  #wasSilent({ idleSinceMs }: ConnectionState, atMs: number): boolean {
    return atMs - idleSinceMs >= this.#options.checkAfterIdleMs;
  }

  /** Whether it was not forgotten. If one was, so were all that were as silent, and none of them is waited for. */
  async #isKnown(client: pg.PoolClient, state: ConnectionState): Promise<boolean> {
    if (this.#wasSilent(state, this.#forgottenAtMs)) return false;
    const isAnswering = await checkConnection(client, CHECK_MS);
    if (!isAnswering) this.#forgottenAtMs = performance.now();
    return isAnswering;
  }

  #isFull(): boolean {
    return this.#asked + this.#inUse >= this.capacity;
  }

  #countHung(): number {
    const hungSinceMs = performance.now() - HUNG_ATTEMPT_MS;
    return [...this.#attempts.values()].filter((startedAtMs) => startedAtMs <= hungSinceMs).length;
  }

  #mayConnect(): boolean {
    if (this.#connectError === undefined || this.#pool.idleCount > 0) return true;
    if (performance.now() < this.#nextAttemptAtMs) return false;
    this.#nextAttemptAtMs = performance.now() + RECONNECT_PAUSE_MS;
    return true;
  }

  #onConnectError(error: Error | undefined): void {
    this.#asked--;
    if (this.#connectError === undefined) this.#warn(error, 'cannot connect to the database');
    this.#connectError = error ?? new Error('no connection');
    this.#nextAttemptAtMs = performance.now() + RECONNECT_PAUSE_MS;
  }

  /** Not of what we close ourselves, nor of a server that ends together with us. */
  #warn(error: Error | undefined, text: string): void {
    if (!this.#isClosing) this.#options.log.warn({ err: error }, text);
  }

  #makeRoom(): void {
    const nowMs = performance.now();
    const [oldest, next = oldest] = [...this.#attempts].map(([client, startedAtMs]) => ({ client, startedAtMs }));
    if (next === undefined || !this.#isFull() || nowMs - next.startedAtMs < HUNG_ATTEMPT_MS) return;
    if (nowMs - this.#roomMadeAtMs < MAKE_ROOM_PAUSE_MS) return;
    this.#roomMadeAtMs = nowMs;
    abort(next.client);
  }

  #waitError(waitMs: number): AppError {
    const cause = this.#connectError ?? new Error(`no connection was free within ${Math.round(waitMs)} ms`);
    const isServerFull = sqlState(this.#connectError)?.startsWith('53') === true;
    const isBusy = this.#connectError === undefined && this.#pool.totalCount > this.#attempts.size;
    const { overloaded, unavailable } = postgresErrors.raise;
    return isServerFull || isBusy ? overloaded({ cause }) : unavailable({ cause: new NotConnected(cause) });
  }

  #openedAtMs(client: pg.PoolClient): number {
    return this.#states.get(client)?.openedAtMs ?? Number.NEGATIVE_INFINITY;
  }

  #isStale(state: ConnectionState): boolean {
    return state.openedAtMs <= this.#staleBeforeMs;
  }
}
