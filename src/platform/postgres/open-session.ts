import { connect } from './connect.ts';
import type { Statement } from './statement.ts';
import { typeParsers } from './type-parsers.ts';

/** One connection, for a look at a server. */
export interface Session {
  /** Runs a statement; those that are asked at once run one after the other. */
  ask<Row>(statement: Statement<Row>): Promise<Row[]>;
  close(): Promise<void>;
}

/**
 * Opens one connection for a look at a server, by whatever way leads there: it sends no settings and prepares nothing, which
 * a pooler might not take. Connecting and each statement have `boundMs`; a statement that takes longer is not waited for.
 *
 * @throws Error of pg when the server does not let us in, or not in time.
 */
export async function openSession(url: string, boundMs: number): Promise<Session> {
  const client = await connect(url, {
    application_name: 'evenkeel doctor',
    connectionTimeoutMillis: boundMs,
    query_timeout: boundMs,
    types: typeParsers,
  });
  let last: Promise<unknown> = Promise.resolve();
  return {
    ask<Row>({ text, values }: Statement<Row>): Promise<Row[]> {
      const rows = last.then(async () => (await client.query({ text, values: [...values] })).rows as Row[]);
      last = rows.catch(() => undefined);
      return rows;
    },
    close: () => client.end(),
  };
}
