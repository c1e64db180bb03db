import { type Client, escapeLiteral } from 'pg';
import { describe, expect, it, onTestFinished } from 'vitest';
import { FIRST_ID, LAST_ID } from '../../src/base/ids.ts';
import { activityKinds, keepActivity } from '../../src/core/activity/index.ts';
import { dropOldActivity, listRareActivity, makePartitions } from '../../src/core/activity/queries.ts';
import { sql } from '../../src/platform/postgres/index.ts';
import { useProduct, useUser } from '../harness/product.ts';
import { testContext } from '../harness/test-context.ts';
import { listStatements } from '../statements/list-statements.ts';

const product = useProduct();
const user = useUser(product);

interface ActivityPage {
  data: { id: string; kind: string; key_id: string | null; subject_id: string; created_at: string }[];
  has_more: boolean;
  next_cursor: string | null;
}

async function list(query = '', as = user): Promise<ActivityPage> {
  return (await (await product.request(as, 'GET', `/v1/activity${query}`)).json()) as ActivityPage;
}

const listPartitions = () => sql<{ name: string }>`
  -- test.list_partitions
  select c.relname as name from pg_inherits i join pg_class c on c.oid = i.inhrelid
  where i.inhparent = 'activity'::regclass order by 1`;

async function partitions(): Promise<string[]> {
  return (await product.postgres.query(listPartitions(), testContext())).map(({ name }) => name);
}

/** A row of a time, whose partition may not exist. */
const insertAt = (p: { userId: string; at: string; kind: string }) => sql<{ id: string }>`
  -- test.insert_activity_at
  insert into activity (user_id, id, kind, created_at)
  values (${p.userId}::uuid, activity_first_id(${p.at}::timestamptz), ${p.kind}, ${p.at}::timestamptz)
  returning id`;

const countIn = (p: { userId: string; partition: string }) => sql<{ rows: number }>`
  -- test.count_in_partition
  select count(*)::integer as rows from activity
  where user_id = ${p.userId}::uuid and tableoid = ${p.partition}::regclass`;

async function countRows(partition: string): Promise<number> {
  const [counted] = await product.postgres.query(countIn({ userId: user.userId, partition }), testContext());
  return counted?.rows ?? 0;
}

/** A connection past the server's, until the test ends. */
async function open(): Promise<Client> {
  const client = await product.connect();
  onTestFinished(() => client.end());
  return client;
}

it('is listed newest first, page by page, by kind and by time, to its user alone', async () => {
  const other = await product.createUser();
  const created: string[] = [];
  for (let n = 0; n < 5; n++) created.unshift(await product.createSession(user));
  const first = await list('?kind=session.created&limit=3');
  const second = await list(`?kind=session.created&limit=3&cursor=${first.next_cursor}`);
  expect([...first.data, ...second.data].map((row) => row.subject_id)).toEqual(created);
  expect(second.has_more).toBe(false);

  const third = first.data[2];
  const since = await list(`?kind=session.created&from=${third?.created_at}`);
  expect(since.data.map(({ id }) => id)).toContain(first.data[0]?.id);
  for (const { id, created_at: at } of first.data) {
    expect((await list(`?from=${at}`)).data.map((entry) => entry.id)).toContain(id);
    expect((await list(`?to=${at}`)).data.map((entry) => entry.id)).not.toContain(id);
  }
  for (const kind of ['', 'kind=user.created&']) {
    expect((await list(`?${kind}to=2020-01-01T00:00:00Z`)).data).toEqual([]);
    expect((await list(`?${kind}from=2100-01-01T00:00:00Z`)).data).toEqual([]);
  }
  expect((await list('?kind=session.created', other)).data).toEqual([]);
  // A cursor is good for its own list alone.
  for (const [reader, query] of [
    [other, 'kind=session.created'],
    [user, ''],
    [user, 'kind=session.created&from=2020-01-01T00:00:00Z'],
    [user, 'kind=session.created&to=2030-01-01T00:00:00Z'],
  ] as const) {
    const foreign = await product.request(reader, 'GET', `/v1/activity?${query}&cursor=${first.next_cursor}`);
    expect(foreign.status, query).toBe(400);
  }
});

it('is of a documented kind, whatever statement writes it', async () => {
  const statements = await listStatements();
  const written = statements
    .filter(({ text }) => text.includes('insert into activity'))
    .flatMap(({ text }) => [...text.matchAll(/insert into activity[^)]*\)\s+(?:values \(|select )[^']*'([a-z_.]+)'/g)])
    .map(([, kind = '']) => kind);
  expect(written.length).toBeGreaterThan(5);
  const kinds = Object.keys(activityKinds);
  for (const kind of written) {
    // A kind that the statement completes, such as 'turn.' || status.
    if (kind.endsWith('.'))
      expect(
        kinds.some((known) => known.startsWith(kind)),
        kind,
      ).toBe(true);
    else expect(kinds, kind).toContain(kind);
  }
});

const now = new Date();
const month = (ahead: number) => new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() + ahead, 2)).toISOString();
const partition = (ahead: number) => `activity_${month(ahead).slice(0, 7).replace('-', '_')}`;

it('lies in a partition of its month, made ahead; what came before its partition is moved into it', async () => {
  expect(await partitions()).toEqual([partition(0), partition(1), partition(2), 'activity_rest'].sort());

  await product.postgres.query(insertAt({ userId: user.userId, at: month(3), kind: 'user.created' }), testContext());
  expect(await countRows('activity_rest')).toBe(1);
  expect(await made(3)).toBe(1);
  expect(await countRows('activity_rest')).toBe(0);
  expect(await countRows(partition(3))).toBe(1);
  expect(await made(3)).toBe(0);
});

it('is added without a failure while its partition is made', async () => {
  const client = await open();
  const { rows } = await client.query(`select 'activity_' || to_char(now() at time zone 'UTC', 'YYYY_MM') as month`);
  const writers = await Promise.all(Array.from({ length: 4 }, open));
  const { userId } = await product.createUser();
  const done = new AbortController();
  const add = `insert into activity (user_id, id, kind) values ($1, uuidv7(), 'session.created')`;
  const writing = writers.map(async (writer) => {
    while (!done.signal.aborted) await writer.query(add, [userId]);
  });
  const written = Promise.allSettled(writing);
  for (let round = 0; round < 20; round++) {
    await client.query(`begin; lock table activity; drop table ${rows[0].month}; commit`);
    await expect.poll(() => made(0).catch(() => undefined), { timeout: 20_000 }).toBe(1);
  }
  done.abort();
  expect(await written).toEqual(writing.map(() => ({ status: 'fulfilled', value: undefined })));
});

const made = async (monthsAhead: number): Promise<number | null | undefined> =>
  (await product.postgres.query(makePartitions({ monthsAhead }), testContext()))[0]?.made;

it('is listed by each kind that there is', async () => {
  const reader = await product.createUser();
  const kinds = Object.keys(activityKinds);
  const insert = sql<{ id: string }>`
    -- test.insert_kinds
    insert into activity (user_id, id, kind)
    select ${reader.userId}::uuid, ('01900000-0000-7000-8000-' || lpad(n::text, 12, '0'))::uuid, kind
    from unnest(${kinds}::text[]) with ordinality as input (kind, n)
    returning id`;
  await product.postgres.query(insert, testContext());
  for (const kind of kinds) {
    const { data } = await list(`?kind=${kind}&to=2025-01-01T00:00:00Z`, reader);
    expect(data.map((entry) => entry.kind)).toEqual([kind]);
  }
});

it('of a rare kind is found in a long trail without reading that', async () => {
  const { userId } = await product.createUser();
  const client = await open();
  await client.query(
    `insert into activity (user_id, id, kind)
      select $1, activity_first_id(now() - make_interval(secs => n)), case when n % 2 = 0 then 'turn.started' else 'turn.completed' end
      from generate_series(1, 100000) n`,
    [userId],
  );
  await client.query('vacuum analyze activity');
  const { text, values } = listRareActivity({
    userId,
    kind: 'plan.changed',
    fromId: FIRST_ID,
    beforeId: LAST_ID,
    limit: 51,
  });
  await client.query('set plan_cache_mode = force_generic_plan');
  await client.query(`prepare list as ${text}`);
  const { rows } = await client.query(
    `explain (analyze, buffers, format json) execute list (${values.map((value) => escapeLiteral(String(value)))})`,
  );
  const { Plan: plan } = rows[0]['QUERY PLAN'][0];
  expect(plan['Shared Hit Blocks'] + plan['Shared Read Blocks']).toBeLessThan(50);
});

it('goes with its month when that is older than it is kept', async () => {
  await product.postgres.query(
    insertAt({ userId: user.userId, at: '2020-01-15T00:00:00Z', kind: 'user.created' }),
    testContext(),
  );
  const before = (await list()).data.length;
  expect(await countRows('activity_rest')).toBe(1);
  await (await open()).query(`drop table ${partition(2)}`);
  await keepActivity(product.postgres, 30).run({}, testContext());
  expect(await countRows('activity_rest')).toBe(0);
  expect((await list()).data).toHaveLength(before - 1);
  // Nor does it let those to come be missing.
  expect(await partitions()).toContain(partition(2));
});

it('in no month is deleted a part at a time, and all of it by the job', async () => {
  const client = await open();
  const insertOld = `insert into activity (user_id, id, kind)
    select $1, activity_first_id('2020-01-15'::timestamptz + make_interval(secs => n)), 'user.created' from generate_series(1, 20001) n`;
  await client.query(insertOld, [user.userId]);
  await product.postgres.query(dropOldActivity({ keepDays: 30 }), testContext());
  expect(await countRows('activity_rest')).toBe(10_001);
  await keepActivity(product.postgres, 30).run({}, testContext());
  expect(await countRows('activity_rest')).toBe(0);
});

describe('while something reads for long, as a backup does,', () => {
  it.each([
    ['dropping a month', () => product.postgres.query(dropOldActivity({ keepDays: 30 }), testContext())],
    ['making a month', () => product.postgres.query(makePartitions({ monthsAhead: 6 }), testContext())],
  ])('%s gives up before those who wait behind it notice, and is done once that is over', async (_name, keep) => {
    const backup = await open();
    await backup.query(`
      create table if not exists activity_2024_01 partition of activity
      for values from ('018cc251-f400-0000-0000-000000000000') to ('018d61fa-dc00-0000-0000-000000000000')`);
    await backup.query('begin; lock table users, activity in access share mode');
    const before = await partitions();
    const startedAtMs = performance.now();
    await expect(keep()).rejects.toMatchObject({ code: 'postgres.timeout' });
    expect(performance.now() - startedAtMs).toBeLessThan(1_000);
    expect(await partitions()).toEqual(before);
    await backup.query('rollback');
    await keep();
    expect(await partitions()).not.toEqual(before);
  });
});

it('stays where it is when too much waits for its month; later months are made', async () => {
  const client = await open();
  const monthStart = (ahead: number) =>
    `date_trunc('month', now() at time zone 'UTC') + interval '${ahead} months 1 day'`;
  await client.query(
    `insert into activity (user_id, id, kind)
      select $1, activity_first_id((${monthStart(10)}) + make_interval(secs => n)), 'user.created' from generate_series(1, 10001) n`,
    [user.userId],
  );
  const before = await partitions();
  await made(11);
  const { rows } = await client.query(
    `select to_char(${monthStart(10)}, 'YYYY_MM') as full, to_char(${monthStart(11)}, 'YYYY_MM') as next`,
  );
  const after = await partitions();
  expect(after).toContain(`activity_${rows[0].next}`);
  expect(after).not.toContain(`activity_${rows[0].full}`);
  expect(await countRows('activity_rest')).toBe(10_001);
  await client.query('delete from activity_rest');
  await made(10);
  expect(await partitions()).toEqual([...after, `activity_${rows[0].full}`].sort());
  expect(before.length).toBeLessThan(after.length);
});
