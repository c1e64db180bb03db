import type { Client } from 'pg';
import { newId } from '../../base/ids.ts';
import { connect } from './connect.ts';
import { isNeverBegun } from './errors.ts';

/** How a URL leads to the server. */
export interface DatabaseRoute {
  /** Whether a pooler such as PgBouncer is in between. It has startup parameters of its own to refuse. */
  readonly isPooled: boolean;
  /** Whether what a session is told, such as LISTEN or a lock, lasts beyond a transaction. */
  readonly keepsSession: boolean;
  /** Whether a statement that was prepared is there in the next transaction. */
  readonly keepsPrepared: boolean;
  /** Which database it leads to: the same text for each way to the same one, while its server is not started again. */
  readonly database: string;
}

type Kept = Omit<DatabaseRoute, 'database'>;

const CONNECT_BOUND_MS = 10_000;
const ANSWER_BOUND_MS = 5_000;
// A pooler hands out the server connection that was given back last: the first round usually tells.
const ROUNDS = 5;

const direct: Kept = { isPooled: false, keepsSession: true, keepsPrepared: true };

// By when its server was started, for a copy that was restored from a backup goes by the same identifier.
const WHICH = `
  select pg_backend_pid() as pid, concat_ws(' ', extract(epoch from pg_postmaster_start_time()), oid) as database
  from pg_database where datname = current_database()`;

async function askProcess(client: Client, name: string): Promise<number> {
  const query = { name, text: 'select pg_backend_pid() as pid' };
  return (await client.query<{ pid: number }>(query)).rows[0]?.pid ?? 0;
}

/** Whether the first client keeps its server connection while the second has one to itself. */
async function compare(first: Client, second: Client): Promise<Kept> {
  // A name of its own: what an earlier start prepared may still be on the pooler's connections.
  const name = `evenkeel_route_${newId()}`;
  for (let round = 0; round < ROUNDS; round++) {
    const before = await askProcess(first, name);
    await second.query('begin');
    try {
      if ((await askProcess(first, name)) !== before)
        return { isPooled: true, keepsSession: false, keepsPrepared: true };
    } finally {
      await second.query('rollback');
    }
  }
  return { isPooled: true, keepsSession: true, keepsPrepared: true };
}

function unlessForgotten(error: unknown): Kept {
  // No such statement is there, or it is already: another client prepared it on this server connection.
  if (isNeverBegun(error)) return { isPooled: true, keepsSession: false, keepsPrepared: false };
  throw error;
}

/**
 * Finds out how a URL leads to the server. A pooler is known by the process that it names at the connection's start, which is
 * not the one that answers; a transaction pooler by moving a client to another server connection between two statements.
 *
 * @throws Error of pg when the server cannot be reached.
 */
export async function inspectRoute(url: string, connectBoundMs = CONNECT_BOUND_MS): Promise<DatabaseRoute> {
  const clients: Client[] = [];
  const config = {
    application_name: 'evenkeel start',
    connectionTimeoutMillis: connectBoundMs,
    query_timeout: ANSWER_BOUND_MS,
  };
  try {
    const first = await connect(url, config);
    clients.push(first);
    const { pid, database = '' } = (await first.query<{ pid: number; database: string }>(WHICH)).rows[0] ?? {};
    if (pid === (first as unknown as { processID: number }).processID) return { ...direct, database };
    const second = await connect(url, config);
    clients.push(second);
    return { ...(await compare(first, second).catch(unlessForgotten)), database };
  } finally {
    await Promise.all(clients.map((client) => client.end()));
  }
}
