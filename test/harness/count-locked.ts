import type { Client } from 'pg';

/** How many statements wait for a lock, in the database that a client is connected to. */
export async function countLocked(client: Client): Promise<number> {
  // Within a transaction of the client's it would be as it was when that first looked.
  await client.query('select pg_stat_clear_snapshot()');
  const { rowCount } = await client.query(
    `select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`,
  );
  return rowCount ?? 0;
}
