import { Client } from 'pg';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { findAccounts } from '../../src/core/accounts/queries.ts';
import { searchSessions } from '../../src/core/chat/queries.ts';
import { sumTokens } from '../../src/core/plans/queries.ts';
import { sessionSettings } from '../../src/platform/postgres/session-settings.ts';
import { useTestDatabase } from '../harness/test-database.ts';
import { endRunningTurns, fillTables, listUnfilled } from './fill-tables.ts';
import { findPlanFaults, findUnusedIndexes, findWholeReads, sortsForPage } from './find-plan-faults.ts';
import { type ListedStatement, listStatements } from './list-statements.ts';

const statements = await listStatements();

const { database } = useTestDatabase();
let client: Client;

beforeAll(async () => {
  client = await database.connect();
  // Not of our schema, but read when it is there.
  await client.query('create extension pg_stat_statements');
  await fillTables(client);
}, 180_000);

test('every user-owned table is full enough for its plans to mean something', async () => {
  expect(await listUnfilled(client)).toEqual([]);
});

const named = statements.map((statement) => [statement.name, statement] as const);

test.each(named)('%s is served by the indexes that its comment names', async (_name, statement) => {
  expect(await findPlanFaults(client, statement)).toEqual([]);
});

const isPageOfMuch = ({ name, text }: ListedStatement): boolean =>
  /user_id = .*order by .*limit \$\d+(::integer)?$/s.test(text) &&
  !text.includes('group by') &&
  !name.includes('_rare_');

// Whoever has a thousand times what others have, as a service that acts for its own users, gets the plan of the others.
test.each(named.filter(([, statement]) => isPageOfMuch(statement)))(
  '%s reads a page in the order of an index',
  async (_name, { text }) => {
    expect(await sortsForPage(client, text)).toBe(false);
  },
);

test('the count of a user’s keys that work looks at none that is revoked', async () => {
  const { rows } = await client.query(`select prosrc from pg_proc where proname = 'api_key_is_allowed'`);
  const [, count = ''] = /return \(([^;]+)\);/.exec(rows[0].prosrc) ?? [];
  const text = count.replaceAll('owner_id', '$1::uuid').replaceAll('max_keys', '$2::integer');
  expect(await findPlanFaults(client, { text, indexes: ['api_keys_working'] })).toEqual([]);
});

test('every index serves a statement', async () => {
  expect(await findUnusedIndexes(client, statements)).toEqual([]);
});

describe('is found:', () => {
  afterEach(() => client.query('rollback'));

  test.each([
    ['a sequential scan', 'select id from chat_messages where content = $1', [], 'reads all of public.chat_messages'],
    [
      'a sequential scan in a batch',
      'select m.id from unnest($1::uuid[]) as x (id) join chat_messages m on m.id = x.id',
      [],
      'reads all of public.chat_messages',
    ],
    [
      'a sequential scan by values of any type',
      'select id from chat_messages where content = concat($1::numeric, $2::real, $3::time, $4::timestamp, $5::interval)',
      [],
      'reads all of public.chat_messages',
    ],
    [
      'an index that is used and not named',
      'select id from chat_sessions where user_id = $1 and id = $2',
      [],
      'uses chat_sessions_pkey, which its comment does not name',
    ],
    [
      'an index that is named and not used',
      'select id from chat_sessions where user_id = $1 and id = $2',
      ['chat_sessions_pkey', 'chat_sessions_recent'],
      'names chat_sessions_recent and does not use it',
    ],
    [
      'an index that does not exist',
      'select id from chat_sessions where user_id = $1 and id = $2',
      ['chat_sessions_pkey', 'chat_sessions_lost'],
      'names chat_sessions_lost and does not use it',
    ],
  ])('%s', async (...[, text, indexes, fault]) => {
    expect(await findPlanFaults(client, { text, indexes })).toContain(fault);
  });

  test('a deletion that reads a whole table for what goes with a row', async () => {
    await client.query('begin; create table notes (user_id uuid, session_id uuid)');
    await client.query('insert into notes select user_id, id from chat_sessions; analyze notes');
    await client.query('alter table notes add foreign key (user_id, session_id) references chat_sessions');
    const text = 'delete from chat_sessions where user_id = $1 and id = $2';
    expect(await findPlanFaults(client, { text, indexes: ['chat_sessions_pkey'] })).toEqual([
      'reads all of public.notes',
    ]);
    await client.query('create index notes_session on notes (session_id)');
    const named = { text, indexes: ['chat_sessions_pkey', 'notes_session'] };
    expect(await findPlanFaults(client, named)).toEqual([]);
  });

  test('an index that no statement names', async () => {
    await client.query('begin; create index planted on users (plan)');
    expect(await findUnusedIndexes(client, statements)).toContain('planted');
  });
});

describe('after a night in which nothing ran,', () => {
  // An index of what runs is nearly empty then; a plan that prefers it reads all of it when the day comes.
  beforeAll(() => endRunningTurns(client));

  test.each(named)('%s is served by the same indexes', async (_name, statement) => {
    expect(await findPlanFaults(client, statement)).toEqual([]);
  });
});

describe('on a new database, whose empty tables nobody has analysed,', () => {
  const { database: empty } = useTestDatabase();
  let session: Client;

  beforeAll(async () => {
    session = await empty.connect();
  });

  // Connections keep such a plan while the tables grow: until they are next analysed, each run would read all of them.
  test.each(named.filter(([, { text }]) => /with ordinality\s+as input/.test(text)))(
    '%s, which many callers share, reads no whole table',
    async (_name, { text }) => {
      expect(await findWholeReads(session, text)).toEqual([]);
    },
  );

  test('of the many sign-ins of a user, those that were ended lately are read alone', async () => {
    await session.query(`insert into users (user_id, username) values (gen_random_uuid(), 'busy')`);
    await session.query(
      `insert into refresh_families (user_id, id, generation, expires_at)
        select user_id, gen_random_uuid(), 1, now() from users, generate_series(1, 20000)`,
    );
    const { text } = findAccounts([{ userId: '' }]);
    const { rows } = await session.query(`explain (generic_plan) ${text}`);
    expect(rows.map((row) => row['QUERY PLAN']).join()).toContain('refresh_families_ended');
  });

  test('of the rewards of a user, those from long before the month are not read', async () => {
    const { rows } = await session.query(`explain (generic_plan) ${sumTokens([{ userId: '', from: '' }]).text}`);
    const plan = rows.map((row) => row['QUERY PLAN']).join(' ');
    expect(plan).toMatch(/rewards_pkey on rewards r [^:]*Index Cond: \(\(user_id = input.user_id\) AND \(id >= /);
  });

  test('the words that are searched for are read once, not again for each session or message', async () => {
    const page = { userId: '', assistant: null, afterUpdatedAt: null, afterId: null, limit: 50 };
    const { text } = searchSessions({ ...page, words: '' });
    // The plan that connections keep: in it the words are not known yet.
    const { rows } = await session.query<{ 'QUERY PLAN': string }>(`explain (generic_plan) ${text}`);
    const plan = rows.map((row) => row['QUERY PLAN']);
    const compared = plan.filter((line) => line.includes('@@'));
    expect(compared).not.toEqual([]);
    expect(compared.filter((line) => line.includes('websearch_to_tsquery'))).toEqual([]);
  });
});

// What Postgres makes of tables with a page each is kept by connections while they grow: until they are next analysed.
describe('on a new database, whose empty tables are analysed,', () => {
  // A row for each process, each migration, or each job that has a timetable.
  const alwaysSmall = ['job_workers', 'usage_writers', 'evenkeel_migrations', '_private_known_crontabs'];
  const { database: empty } = useTestDatabase();
  let session: Client;

  beforeAll(async () => {
    session = new Client(sessionSettings(empty.url, 10_000));
    await session.connect();
    await session.query('create extension pg_stat_statements; analyze');
  });

  afterAll(() => session?.end());

  // Users have few rows there, as far as is known: for one who has a million, each page would go through all of them.
  test.each(named.filter(([, { text }]) => text.includes('delete from') && text.includes('limit (select')))(
    '%s finds the rows of a page, and does not look through all of the user',
    async (_name, { text }) => {
      const { rows } = await session.query<{ 'QUERY PLAN': string }>(`explain (generic_plan) ${text}`);
      const filters = rows.map((row) => row['QUERY PLAN']).filter((line) => line.includes('Filter:'));
      // Of the turns of a session, which are found by that, it makes sure whose they are.
      expect(filters.filter((line) => !/Filter: \(user_id = \$\d\)$/.test(line))).toEqual([]);
    },
  );

  test.each(named)('%s reads no whole table that grows', async (_name, { text }) => {
    const read = await findWholeReads(session, text);
    expect(read.filter((table) => !alwaysSmall.includes(table.replace(/.*\./, '')))).toEqual([]);
  });
});
