import { expect, onTestFinished, test } from 'vitest';
import { pgBouncerKeepsPrepared, startPgBouncer } from '../../../test/harness/pgbouncer.ts';
import { PoolFixture } from '../../../test/harness/pool-fixture.ts';
import { testContext } from '../../../test/harness/test-context.ts';
import type { Postgres } from './postgres.ts';
import { sql } from './statement.ts';

const pool = new PoolFixture();

/** A statement whose plan is out of date when the type of the column has changed. */
const listNotes = () => sql<{ text: unknown }>`
  -- test.list_notes
  select text from notes`;

/** Has migrations change what a statement answers while it is in use. */
async function migrateBesides(postgres: Postgres): Promise<void> {
  onTestFinished(async () => {
    await pool.admin.query('alter table notes alter text type text');
  });
  for (const type of ['varchar(50)', 'varchar(60)', 'varchar(70)', 'text', 'varchar(80)']) {
    expect(await postgres.query(listNotes(), testContext())).toEqual([]);
    await pool.admin.query(`alter table notes alter text type ${type}`);
    expect(await postgres.query(listNotes(), testContext())).toEqual([]);
  }
}

test('a migration that changes what a statement answers fails nobody', async () => {
  await migrateBesides(pool.open({ poolSize: 1, poolOverflow: 0, poolWaitMs: 5_000 }));
});

test('a text whose plan is out of date is sent as another one, which no pooler has planned before', async () => {
  const postgres = pool.open({ poolSize: 1, poolOverflow: 0, poolWaitMs: 5_000 });
  const texts: string[] = [];
  for (const type of ['varchar(50)', 'text']) {
    await postgres.query(listNotes(), testContext());
    await pool.admin.query(`alter table notes alter text type ${type}`);
    await postgres.query(listNotes(), testContext());
    const prepared = sql<{ statement: string }>`
      -- test.list_prepared
      select statement from pg_prepared_statements where name = 'test.list_notes'`;
    texts.push(...(await postgres.query(prepared, testContext())).map(({ statement }) => statement));
  }
  expect(new Set([listNotes().text, ...texts]).size).toBe(3);
});

test.skipIf(!pgBouncerKeepsPrepared())(
  'nor behind a pooler, which keeps plans for longer than our connections last',
  async () => {
    const settings = { pool_mode: 'transaction', default_pool_size: '1', max_prepared_statements: '200' };
    const bouncer = await startPgBouncer(pool.database.url, settings);
    onTestFinished(() => bouncer.stop());
    const open = () => pool.open({ url: bouncer.url, isPooled: true, poolSize: 1, poolOverflow: 0, poolWaitMs: 5_000 });
    await migrateBesides(open());
    // A server that starts finds the plans of those that ran before.
    expect(await open().query(listNotes(), testContext())).toEqual([]);
  },
);
