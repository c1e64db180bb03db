import { Socket } from 'node:net';
import pg from 'pg';
import type { Logger } from '../log/index.ts';

/**
 * Connections of the workers: one listens, the others fetch jobs and mark them, for which each is needed for a moment.
 * Handlers use the database of the server, not these.
 */
const CONNECTIONS = 3;
const CONNECT_TIMEOUT_MS = 10_000;
/** A server that says nothing for so long is not there any more. Nothing that workers ask takes a second. */
const SILENCE_MS = 30_000;
const PING_INTERVAL_MS = 10_000;

/** A socket that gives up when nothing comes or goes for a while: a network that swallows everything tells nobody. */
function impatientSocket(): Socket {
  const socket = new Socket();
  socket.setTimeout(SILENCE_MS, () => socket.destroy(new Error(`no sign of life for ${SILENCE_MS} ms`)));
  return socket;
}

/**
 * A session that begins while the database is read-only may stay so when that no longer is. Workers, who only write, would hold on
 * to it: they never let theirs rest for long enough to be closed.
 */
export function refuseReadOnly(client: pg.PoolClient, done: (error?: Error) => void): void {
  client
    .query<{ transaction_read_only: string }>('show transaction_read_only')
    .then(
      ({ rows }) => done(rows[0]?.transaction_read_only === 'on' ? new Error('the database is read-only') : undefined),
      done,
    );
}

/** Opens the pool that graphile-worker works with. Connects to nothing before it is asked. */
export function openWorkerPool(url: string, log: Logger, options: Pick<pg.PoolConfig, 'verify'> = {}): pg.Pool {
  const pool = new pg.Pool({
    connectionString: url,
    max: CONNECTIONS,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    application_name: 'evenkeel jobs',
    stream: impatientSocket,
    ...options,
  });
  // A lost connection fails the query that runs, and is replaced; without listeners it would end the process.
  const onLost = (error: Error) => log.debug({ err: error }, 'a database connection of the job workers was lost');
  pool.on('error', onLost);
  pool.on('connect', (client) => client.on('error', onLost));
  return pool;
}

/**
 * Has the connection that listens hear from the server now and then, as long as it listens, so that its silence means
 * something. One ping at a time: sending counts as a sign of life too.
 */
export function keepAwake(client: pg.PoolClient): void {
  const ping = async (): Promise<void> => {
    if (client.listenerCount('notification') === 0) return;
    await client.query('select 1');
    again();
  };
  // A ping that fails has lost the connection, which whoever listens is told.
  const again = (): void => void setTimeout(() => ping().catch(() => undefined), PING_INTERVAL_MS).unref();
  again();
}
