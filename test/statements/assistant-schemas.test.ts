import { parse } from 'libpg-query';
import { describe, expect, test } from 'vitest';
import { findAssistants } from '../../src/app/assistants/find-assistants.ts';
import { listStatements } from './list-statements.ts';

/** What of the server's an assistant's statement may touch beside the tables of its own schema. */
const sharedTables = ['idempotency_keys'];
const sharedFunctions = ['graphile_worker.add_job', 'notify_user'];
/** Functions of Postgres that reach what is no table of the statement. */
const REFUSED_FUNCTIONS =
  /^(?:pg_(?!notify$)|query_to_|table_to_|schema_to_|database_to_|cursor_to_|lo_|dblink|set_config)/;

interface Named {
  readonly schemaname?: string;
  readonly relname?: string;
}

/** Every node of a kind in a statement, wherever it is. */
function findNodes(value: unknown, kinds: readonly string[]): unknown[] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) => [
    ...(kinds.includes(key) ? [inner] : []),
    ...findNodes(inner, kinds),
  ]);
}

function nameOfFunction(call: unknown): string {
  const { funcname } = call as { funcname: { String: { sval: string } }[] };
  return funcname
    .map((part) => part.String.sval)
    .join('.')
    .replace(/^pg_catalog\./, '');
}

/** The jobs that a statement enqueues. A name that is not written as a text, in the first place, cannot be read. */
function listEnqueued(parsed: unknown): string[] {
  const calls = findNodes(parsed, ['FuncCall']).filter((call) => nameOfFunction(call) === 'graphile_worker.add_job');
  return (calls as { args?: { A_Const?: { sval?: { sval: string } } }[] }[]).map(
    ({ args }) => args?.[0]?.A_Const?.sval?.sval ?? '(not written as a text)',
  );
}

/** Whose statement it is: the assistant's name, and its jobs, each with the name before it. */
interface Owner {
  readonly assistant: string;
  readonly jobs: readonly string[];
}

/** What of a statement reaches out of its assistant, or for a job that it does not have; empty when nothing does. */
async function findStrangers(text: string, { assistant, jobs }: Owner): Promise<string[]> {
  const parsed = await parse(text);
  const ctes = new Set(findNodes(parsed, ['CommonTableExpr']).map((cte) => (cte as { ctename: string }).ctename));
  const tables = (findNodes(parsed, ['RangeVar', 'relation']) as Named[])
    .filter(({ relname }) => relname !== undefined)
    .filter(({ schemaname, relname = '' }) => schemaname !== undefined || !ctes.has(relname))
    .filter(({ schemaname }) => schemaname !== assistant)
    .map(({ schemaname, relname = '' }) => (schemaname === undefined ? relname : `${schemaname}.${relname}`))
    .filter((table) => !sharedTables.includes(table));
  const functions = findNodes(parsed, ['FuncCall'])
    .map(nameOfFunction)
    .filter((name) => !sharedFunctions.includes(name))
    .filter((name) => name.includes('.') || REFUSED_FUNCTIONS.test(name));
  const foreignJobs = listEnqueued(parsed).filter((job) => !jobs.includes(job));
  return [...tables, ...functions, ...foreignJobs.map((job) => `the job ${job}`)];
}

test('a statement of an assistant touches the tables of its own schema, and of the server only what is for all', async () => {
  const faults: string[] = [];
  const jobs = (await findAssistants()).flatMap(({ name, jobs: own = [] }) => own.map((job) => `${name}.${job.name}`));
  for (const { name, text, file } of await listStatements()) {
    const [, assistant] = /^src[\\/]assistants[\\/](\w+)/.exec(file) ?? [];
    if (assistant === undefined) continue;
    if (!name.startsWith(`${assistant}.`)) faults.push(`${name} is not named after ${assistant}`);
    for (const stranger of await findStrangers(text, {
      assistant,
      jobs: jobs.filter((job) => job.startsWith(`${assistant}.`)),
    }))
      faults.push(`${name} touches ${stranger}`);
  }
  expect(faults).toEqual([]);
});

describe('is found to be a stranger:', () => {
  const notes: Owner = { assistant: 'notes', jobs: ['notes.index_item'] };

  test.each([
    ['a table of the server', 'select id from chat_messages where user_id = $1', 'chat_messages'],
    ['a table of another assistant', 'select id from todo.items where user_id = $1', 'todo.items'],
    ['a table of Postgres', 'select usename from pg_catalog.pg_user', 'pg_catalog.pg_user'],
    ['one in a subselect', 'select 1 where exists (select from users)', 'users'],
    ['one in a CTE', 'with x as (select 1 from users) select 1 from x', 'users'],
    ['one that is written', 'insert into todo.items (user_id) values ($1)', 'todo.items'],
    ['one that is changed', 'update users set plan = $1', 'users'],
    ['one that is deleted from', 'delete from todo.items', 'todo.items'],
    ['one joined', 'select 1 from notes.items i join public.users u on true', 'public.users'],
    ['a table named like a CTE, in its schema', 'with x as (select 1) select 1 from public.x', 'public.x'],
    ['a function of another schema', 'select graphile_worker.complete_jobs($1)', 'graphile_worker.complete_jobs'],
    ['a job of another', "select graphile_worker.add_job('referrals.reward', '{}')", 'the job referrals.reward'],
    [
      'a job that it does not have',
      "select 1 from graphile_worker.add_job('notes.index_itm') j",
      'the job notes.index_itm',
    ],
    ['a job that is chosen by the caller', 'select graphile_worker.add_job($1)', 'the job (not written as a text)'],
    ['one that runs SQL of its own', "select query_to_xml('select 1', true, true, '')", 'query_to_xml'],
    ['one that ends connections', 'select pg_catalog.pg_terminate_backend(1)', 'pg_terminate_backend'],
  ])('%s', async (_what, text, stranger) => {
    expect(await findStrangers(text, notes)).toEqual([stranger]);
  });

  test('and nothing in what an assistant does', async () => {
    const text = `with input as (select * from unnest($1::uuid[]) as input (user_id)), made as (
        insert into notes.items (user_id) select user_id from input returning user_id, id
      ), kept as (insert into idempotency_keys (user_id, key) select user_id, $2 from made)
      select made.id, job.id, pg_notify('evenkeel_assistants', 'notes:' || made.user_id)
      from made, graphile_worker.add_job('notes.index_item', json_build_object('user_id', made.user_id)) job`;
    expect(await findStrangers(text, notes)).toEqual([]);
  });
});
