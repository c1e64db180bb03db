import { setTimeout as sleep } from 'node:timers/promises';
import type { CallContext } from '../../base/call-context.ts';
import { ConnectionPool } from './connection-pool.ts';
import type { ConnectionPoolOptions } from './create-pg-pool.ts';
import type { Database } from './database.ts';
import { isConflict, isReadOnly, isStaleConnection, sqlState, toCallerError } from './errors.ts';
import { Pipelines } from './pipelines.ts';
import { type PoolStatus, watchPool } from './pool-status.ts';
import { runStatement } from './run-statement.ts';
import { type SendableStatement, toSendable } from './sendable-statement.ts';
import { type Statement, sql } from './statement.ts';

/** What is known of a statement when it has ended, for metrics. */
export interface StatementObservation {
  readonly name: string;
  /** How long it waited for a connection, in milliseconds. */
  readonly waitMs: number;
  /** How long it took from then on, in milliseconds; undefined when it got none. */
  readonly durationMs: number | undefined;
  /** Whether it was refused, cancelled or lost, or got no connection. */
  readonly isFailed: boolean;
}

type Needed = 'url' | 'log';

/** Options of `openPostgres`. */
export interface PostgresOptions
  extends Pick<ConnectionPoolOptions, Needed>,
    Partial<Omit<ConnectionPoolOptions, Needed>> {
  /** How long a caller waits for a connection: 500. */
  readonly poolWaitMs?: number;
  /** Told of each try of a statement, when it has ended. */
  readonly observe?: ((observation: StatementObservation) => void) | undefined;
}

/** A sign of life of the server. */
export interface SignOfLife {
  /** How long it took in milliseconds, the wait for a connection included. */
  readonly roundTripMs: number;
  /** Whether it takes no writes: a standby, or all of it is set to be read-only. */
  readonly isReadOnly: boolean;
}

/** The database of a running server. */
export interface Postgres extends Database {
  /** The pool at this moment. */
  poolStatus(): PoolStatus;
  /** Asks the server for a sign of life. */
  ping(context: CallContext): Promise<SignOfLife>;
  /** Replaces every connection of before now, when it is next idle or asked for: for when they may lead nowhere. */
  refresh(): void;
  /** Refuses new calls, lets those that run or wait finish, and closes every connection. */
  close(): Promise<void>;
}

const SILENCE_MARGIN_MS = 500;
const MAX_RETRIES = 3;
// The conflicting transactions are short; the first pause is that of a statement or two, then twice as long each time.
const RETRY_PAUSE_MS = 20;

const pingStatement = () => sql<{ is_read_only: boolean }>`
  -- postgres.ping
  select current_setting('transaction_read_only')::boolean as is_read_only`;

/** Opens the pool. Connects to nothing before the first call. */
export function openPostgres(options: PostgresOptions): Postgres {
  const { log, poolWaitMs = 500, statementTimeoutMs = 30_000, observe } = options;
  const pool = new ConnectionPool({
    poolSize: 10,
    poolOverflow: 20,
    connectTimeoutMs: 10_000,
    maxAgeSeconds: 3_600,
    checkAfterIdleMs: 30_000,
    isPooled: false,
    ...options,
    statementTimeoutMs,
  });
  const silentAfterMs = statementTimeoutMs + SILENCE_MARGIN_MS;
  const run = { pool, pipelines: new Pipelines(pool), poolWaitMs, silentAfterMs, observe };
  const stopWatching = watchPool(() => pool.status(), log);
  const query = <Row>(statement: Statement<Row>, context: CallContext) => queryWithRetries(run, statement, context);
  return {
    query,
    poolStatus: () => pool.status(),
    ping: async (context) => {
      const startedAtMs = performance.now();
      const [row] = await query(pingStatement(), context);
      const isReadOnly = row?.is_read_only === true;
      // A connection may stay so when the server no longer is, and where nobody writes nothing else finds out.
      if (isReadOnly) pool.refreshReadOnly();
      return { roundTripMs: performance.now() - startedAtMs, isReadOnly };
    },
    refresh: () => pool.refresh(),
    close: async () => {
      stopWatching();
      await pool.close();
    },
  };
}

interface Run {
  readonly pool: ConnectionPool;
  readonly pipelines: Pipelines;
  readonly poolWaitMs: number;
  readonly silentAfterMs: number;
  readonly observe: PostgresOptions['observe'];
}

async function queryWithRetries<Row>(run: Run, statement: Statement<Row>, context: CallContext): Promise<Row[]> {
  const sendable = toSendable(statement);
  for (let retries = 0; ; retries++) {
    try {
      return await queryOnce(run, sendable, context);
    } catch (error) {
      const mayHelp = isStaleConnection(error) || isConflict(error);
      if (!mayHelp || retries === MAX_RETRIES) throw toCallerError(error, false);
    }
    const pauseMs = RETRY_PAUSE_MS * 2 ** retries * (0.5 + Math.random());
    await context.deadline.race(sleep(pauseMs));
  }
}

async function queryOnce<Row>(run: Run, statement: SendableStatement<Row>, context: CallContext): Promise<Row[]> {
  const { pool, pipelines, poolWaitMs, silentAfterMs, observe } = run;
  const { deadline, timings, trace } = context;
  const askedAtMs = performance.now();
  const pipeline = await pipelines
    .acquire(statement, poolWaitMs, context)
    .catch((error: unknown) => {
      const waitMs = performance.now() - askedAtMs;
      observe?.({ name: statement.name, waitMs, durationMs: undefined, isFailed: true });
      throw error;
    })
    .finally(() => timings.add('pool', performance.now() - askedAtMs));
  const startedAtMs = performance.now();
  const span = trace?.start(statement.name, { 'db.system.name': 'postgresql' });
  let isFailed = true;
  try {
    const rows = await runStatement<Row>(
      pipeline,
      { ...pool.toSend(pipeline.client, statement), values: statement.values },
      {
        signal: deadline.signal,
        silentAfterMs,
        release: (isBroken) => pipelines.release(pipeline, isBroken),
      },
    );
    isFailed = false;
    return rows;
  } catch (error) {
    if (error === deadline.reason) throw error;
    if (isStaleConnection(error)) pool.refresh({ client: pipeline.client, isReadOnly: isReadOnly(error) });
    // What the server said of the statement decides whether it is tried again; a lost connection says nothing.
    throw pool.isLost(pipeline.client) && sqlState(error) === undefined ? toCallerError(error, true) : error;
  } finally {
    const durationMs = performance.now() - startedAtMs;
    timings.add('sql', durationMs);
    span?.end({ isFailed });
    observe?.({ name: statement.name, waitMs: startedAtMs - askedAtMs, durationMs, isFailed });
  }
}
