import type { Client } from 'pg';
import { beforeAll, describe, expect, test } from 'vitest';
import { useTestDatabase } from '../harness/test-database.ts';
import { findWallFaults, type Tables } from './find-wall-faults.ts';
import { listStatements } from './list-statements.ts';

/** Statements for the server's own use that look over the wall, each with the reason. No request can choose whose rows. */
const crossing: Record<string, string> = {
  'keys.find_callers': 'Says who the caller is, by a hash of the secret that only the caller has.',
  'keys.find_any_user': 'On the first start: whether there is a user at all.',
  'keys.find_user_by_name': 'On the command line, where the operator names a user.',
  'accounts.sign_in': 'Says whose account an identity is that its provider vouches for, or makes one.',
  'accounts.delete_users': 'Erases users whom the operator names, and those who asked for it.',
  'accounts.delete_old_idempotency_keys': 'Forgets what is older than a day, whoever it belongs to.',
  'keys.delete_ended_keys': 'Removes what has not worked for long, whoever it belongs to.',
  'users.list_users': 'Operators look for users.',
  'users.list_users_by_email': 'Operators look for users.',
  'keys.touch_user': 'An operator has a user forgotten, of whom nothing changes.',
  'users.change_user': 'An operator disables a user or changes the plan.',
  'referrals.reward': 'Rewards both sides of a referral, for the job that the newcomer’s sign-up enqueued.',
  'referrals.export_referred_by':
    'Tells who was referred when that was: the row is of both, and its key begins with the other.',
  'chat.list_dead_turns': 'Finds the turns whose process died, to end each as its own user.',
  'chat.list_turns_to_stop': "Which of a process's own turns their users have stopped, of whoever they are.",
};

const { database } = useTestDatabase();
let client: Client;
let tables: Tables;

beforeAll(async () => {
  client = await database.connect();
  // Not of our schema, but read when it is there.
  await client.query('create extension pg_stat_statements');
  const { rows } = await client.query<{ table: string; is_owned: boolean }>(`
    select t.table_schema || '.' || t.table_name as table, exists (
      select from information_schema.columns c
      where c.table_schema = t.table_schema and c.table_name = t.table_name and c.column_name = 'user_id'
    ) as is_owned
    from information_schema.tables t where t.table_schema <> 'information_schema'`);
  const named = (isOwned: boolean) => new Set(rows.filter((row) => row.is_owned === isOwned).map((row) => row.table));
  tables = { owned: named(true), other: named(false) };
});

test('every statement stays with the rows of its caller', async () => {
  const faults: string[] = [];
  for (const statement of await listStatements()) {
    if (statement.name in crossing) continue;
    for (const fault of await findWallFaults(statement, tables)) faults.push(`${statement.name}: ${fault}`);
  }
  expect(faults).toEqual([]);
});

test('a statement that is excused from the wall exists and needs it', async () => {
  const statements = await listStatements();
  for (const name of Object.keys(crossing)) {
    const statement = statements.find((listed) => listed.name === name);
    expect(statement, name).toBeDefined();
    expect(statement && (await findWallFaults(statement, tables)), name).not.toEqual([]);
  }
});

test('every user-owned table has a primary key that starts with user_id', async () => {
  expect(tables.owned.size).toBeGreaterThan(0);
  const { rows } = await client.query<{ table: string }>(`
    select n.nspname || '.' || c.relname as table
    from pg_class c
    join pg_namespace n on n.oid = c.relnamespace
    join pg_attribute a on a.attrelid = c.oid and a.attname = 'user_id' and not a.attisdropped
    left join pg_index i on i.indrelid = c.oid and i.indisprimary
    where c.relkind in ('r', 'p', 'f', 'm') and n.nspname not in ('pg_catalog', 'information_schema')
      and i.indkey[0] is distinct from a.attnum`);
  expect(rows.map(({ table }) => table)).toEqual([]);
});

/** What the code calls `$1`, `$2`, `$3` in the statements below. */
const parameters = ['userId', 'id', 'friendId'];

describe('a hole in the wall is found:', () => {
  test.each([
    ['no user at all', 'select id from chat_sessions where id = $2'],
    ['no condition', 'select id from chat_sessions'],
    ['a parameter that is not the caller', 'select id from chat_sessions where user_id = $3 and id = $2'],
    ['only one side of an OR', 'select id from chat_sessions where user_id = $1 or id = $2'],
    ['a NOT around it', 'select id from chat_sessions where not (user_id = $1)'],
    ['another operator', 'select id from chat_sessions where user_id >= $1'],
    ['its own user_id', 'select id from chat_sessions where user_id = user_id'],
    ['a literal', "select id from chat_sessions where user_id = '00000000-0000-7000-8000-000000000000'"],
    ['a schema before the table', 'select id from public.chat_sessions where id = $2'],
    [
      'one of two tables',
      'select m.id from chat_sessions s join chat_messages m on m.session_id = s.id where s.user_id = $1',
    ],
    [
      'two tables that only agree with each other',
      'select m.id from chat_sessions s join chat_messages m on m.user_id = s.user_id where m.id = $2',
    ],
    [
      'an outer join whose condition does not limit the table',
      'select t.id from chat_turns t left join chat_sessions s on s.user_id = t.user_id and t.user_id = $1',
    ],
    ['a full join', 'select t.id from chat_turns t full join chat_sessions s on s.user_id = $1 and t.user_id = $1'],
    ['a CTE', 'with s as (select id from chat_sessions where id = $2) select id from s'],
    [
      'a subselect in the results',
      'select (select count(*) from chat_turns t where t.session_id = s.id) from chat_sessions s where s.user_id = $1',
    ],
    ['a subselect in WHERE', 'select 1 where exists (select from chat_sessions where id = $2)'],
    ['a subselect in FROM', 'select x.id from (select id from chat_sessions where id = $2) x'],
    [
      'a lateral one',
      'select m.id from chat_sessions s, lateral (select id from chat_messages m where m.session_id = s.id) m where s.user_id = $1',
    ],
    [
      'an arm of a UNION',
      'select id from chat_turns where user_id = $1 union all select id from chat_sessions where id = $2',
    ],
    [
      'another column that a UNION calls user_id',
      `with x as (select user_id from chat_turns where user_id = $1 union select owner from chat_turns where user_id = $1)
        select s.id from x join chat_sessions s on s.user_id = x.user_id`,
    ],
    [
      'another column that a CTE calls user_id',
      `with x as (select owner as user_id from chat_turns where user_id = $1)
        select s.id from x join chat_sessions s on s.user_id = x.user_id`,
    ],
    [
      'another column that an alias calls user_id',
      `select s.id from (select owner from chat_turns where user_id = $1) x (user_id)
        join chat_sessions s on s.user_id = x.user_id`,
    ],
    [
      'an array that is not the callers’',
      'select s.id from unnest($3::uuid[]) as x (user_id) join chat_sessions s on s.user_id = x.user_id',
    ],
    [
      'a function that makes users up',
      "select s.id from json_to_recordset('[]') as x (user_id uuid) join chat_sessions s on s.user_id = x.user_id",
    ],
    ['an UPDATE', 'update chat_sessions set title = null where id = $2'],
    [
      'an UPDATE from a table',
      'update chat_sessions s set title = null from chat_turns t where t.user_id = $1 and s.id = t.session_id',
    ],
    ['an UPDATE that gives a row away', 'update chat_sessions set user_id = $3 where user_id = $1 and id = $2'],
    ['a DELETE', 'delete from chat_sessions where id = $2'],
    [
      'a DELETE using a table',
      'delete from chat_sessions s using chat_turns t where s.user_id = $1 and t.session_id = s.id',
    ],
    ['a DELETE in a CTE', 'with gone as (delete from chat_sessions where id = $2 returning id) select id from gone'],
    ['an INSERT for another user', 'insert into chat_sessions (user_id, id) values ($3, $2)'],
    [
      'an INSERT with a second row for another user',
      'insert into chat_sessions (user_id, id) values ($1, $2), ($3, $2)',
    ],
    ['an INSERT that does not begin with the user', 'insert into chat_sessions (id, user_id) values ($2, $1)'],
    ['an INSERT that names no column', 'insert into chat_sessions values ($1, $2)'],
    [
      'an INSERT of what was read unwalled',
      'insert into chat_sessions (user_id, id) select user_id, id from chat_turns',
    ],
    [
      'an upsert on what is not the user’s own',
      'insert into users (user_id, username) values ($1, $2) on conflict (username) do update set plan = $2',
    ],
    ['a MERGE', 'merge into chat_sessions s using chat_turns t on s.user_id = $1 when matched then delete'],
    ['a table that does not exist', 'select id from nowhere'],
  ])('%s', async (_hole, text) => {
    expect(await findWallFaults({ text, parameters }, tables)).not.toEqual([]);
  });
});

describe('a wall is seen:', () => {
  test.each([
    ['a parameter', 'select id from chat_sessions where id = $2 and user_id = $1::uuid'],
    [
      'a join on user_id',
      'select m.id from chat_sessions s join chat_messages m on s.user_id = m.user_id where s.user_id = $1',
    ],
    [
      'an outer join',
      'select s.id from chat_sessions s left join chat_turns t on t.user_id = s.user_id where s.user_id = $1',
    ],
    [
      'a CTE of the caller’s',
      'with x as (select user_id from chat_turns where user_id = $1) select s.id from x join chat_sessions s on s.user_id = x.user_id',
    ],
    [
      'callers of a batch',
      'select s.id from unnest($1::uuid[], $2::uuid[]) as x (user_id, id) join chat_sessions s on s.user_id = x.user_id and s.id = x.id',
    ],
    [
      'a subselect that looks outward',
      'select (select count(*) from chat_turns t where t.user_id = s.user_id) from chat_sessions s where s.user_id = $1',
    ],
    [
      'a row of one’s own',
      'insert into chat_sessions (user_id, id) values ($1, $2) on conflict (user_id, id) do update set title = null',
    ],
    [
      'rows made of one’s own',
      'insert into chat_sessions (user_id, id) select user_id, id from chat_turns where user_id = $1',
    ],
    [
      'a DELETE using a table',
      'delete from chat_sessions s using chat_turns t where s.user_id = t.user_id and t.user_id = $1',
    ],
    ['no table at all', 'select 1'],
  ])('%s', async (_wall, text) => {
    expect(await findWallFaults({ text, parameters }, tables)).toEqual([]);
  });
});
