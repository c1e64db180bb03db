import { DatabaseError } from 'pg';
import { expect, test } from 'vitest';
import { loadConfig } from '../../../platform/config/index.ts';
import type { DatabaseContext } from '../database-context.ts';
import { type Check, firstOf } from '../finding.ts';
import type { IndexRow } from '../queries.ts';
import { checkIndexes } from './check-indexes.ts';
import { checkPool } from './check-pool.ts';
import { checkPooler } from './check-pooler.ts';
import { checkRoundTrip } from './check-round-trip.ts';
import { checkStatements } from './check-statements.ts';
import { checkTimeouts } from './check-timeouts.ts';
import { checkVacuum } from './check-vacuum.ts';
import { checkVersion } from './check-version.ts';

/** What a check says of such a database, first of all. */
async function look(check: Check<DatabaseContext>, context: object) {
  const [seen] = await check.run({
    config: loadConfig({}),
    instances: 1,
    isPooled: false,
    ...context,
  } as DatabaseContext);
  return seen;
}

const finding = (level: string, what: RegExp, todo: RegExp = /./) => ({
  level,
  what: expect.stringMatching(what),
  what_to_do: level === 'ok' ? null : expect.stringMatching(todo),
});

/** A session of a database that answers with these rows, or with an error of this code. */
const answering = (rows: object[] | string) => ({
  ask: async () => {
    if (typeof rows === 'string') throw Object.assign(new DatabaseError('no', 0, 'error'), { code: rows });
    return rows;
  },
});

test.each([
  [139_999, 'broken'],
  [140_000, 'ok'],
])('Postgres of the version %i is %s', async (number, level) => {
  const server = { version: 'some', version_number: number };
  expect(await look(checkVersion, { server })).toEqual(finding(level, /^PostgreSQL some/));
});

test.each([
  [35, {}, 'ok', /^1 × \(10 \+ 20 \+ 5\) connections of the 35 /],
  [34, {}, 'advice', /when it is busy$/],
  [15, {}, 'advice', /when it is busy$/],
  [14, {}, 'broken', /kept at all times$/],
  [10, { isPooled: true, instances: 2 }, 'ok', /^2 × \(5\) connections/],
  [9, { isPooled: true, instances: 2 }, 'broken', /kept at all times$/],
])('a server that has %i places for connections, with %j, is %s', async (...row) => {
  const [places, context, level, what] = row;
  expect(await look(checkPool, { server: { places }, ...context })).toEqual(finding(level, what, /\(a pool of \d+ is/));
});

test.each([
  [34, 2, 'a pool of 8 '],
  [1, 1, 'a pool of 1 '],
])('of %i places, %i servers are advised to take a part', async (places, instances, todo) => {
  expect((await look(checkPool, { server: { places }, instances }))?.what_to_do).toContain(todo);
});

test.each([
  [0, 'advice', /must take 60 clients .*; the role has no statement_timeout/],
  [1_999, 'advice', /of 1999 ms ends statements before/],
  [2_000, 'ok', /must take 60 clients/],
])('behind a pooler, a statement_timeout of %i ms is %s', async (timeoutMs, level, what) => {
  const server = { suits_plain_sessions: true, statement_timeout_ms: timeoutMs };
  expect(await look(checkPooler, { isPooled: true, instances: 2, server })).toEqual(finding(level, what));
});

test.each([
  [9.94, 'ok', / is 9\.9 ms away/],
  [19.9, 'ok', / is 20 ms away/],
  [20, 'advice', / is 20 ms away/],
])('a database that is %d ms away is %s', async (roundTripMs, level, what) => {
  expect(await look(checkRoundTrip, { description: 'db', link: { roundTripMs } })).toEqual(finding(level, what));
});

test.each([
  [[], 'ok', /^none has run often yet$/],
  [[{ text: 'select 1', calls: 100, mean_ms: 99.9 }], 'ok', /^the slowest takes 99\.9 ms$/],
  [[{ text: 'select 1', calls: 100, mean_ms: 100 }], 'advice', /^100 ms on average, 100 times: select 1$/],
  ['42P01', 'ok', /^not measured/],
  ['55000', 'ok', /^not measured/],
  ['42501', 'ok', /^not measured/],
])('of the statements that were measured, %j is %s', async (rows, level, what) => {
  expect(await look(checkStatements, { direct: answering(rows) })).toEqual(finding(level, what));
});

test('what else keeps slow statements from being read is told', async () => {
  await expect(look(checkStatements, { direct: answering('57014') })).rejects.toThrow('no');
});

test('time-outs that are the same do not contradict each other', async () => {
  const config = (requestMs: number) =>
    loadConfig({
      DATABASE_STATEMENT_BUDGET_MS: '7000',
      SESSION_CREATE_BUDGET_MS: '7000',
      REQUEST_BUDGET_MS: `${requestMs}`,
    });
  expect(await look(checkTimeouts, { config: config(7_000) })).toEqual(finding('ok', /within/));
  expect(await look(checkTimeouts, { config: config(6_999) })).toEqual(finding('advice', /REQUEST_BUDGET_MS \(6999\)/));
});

test('autovacuum that is off is advised against', async () => {
  const direct = answering([]);
  expect(await look(checkVacuum, { direct, server: { autovacuum: true } })).toEqual(finding('ok', /neglected/));
  expect(await look(checkVacuum, { direct, server: { autovacuum: false } })).toEqual(finding('advice', /is off$/));
});

const unused: Partial<IndexRow> = { is_valid: true, is_unique: false, scans: 0, table_rows: 10_000, table_scans: 100 };

test.each([
  ['visits_place', {}, /^visits_place on visits was never used/],
  ['visits_place', { is_valid: false }, /^visits_place is not valid/],
  ['visits_place', { is_unique: true }, undefined],
  ['visits_place', { scans: 1 }, undefined],
  ['visits_place', { table_rows: 9_999 }, undefined],
  ['users_pkey', {}, /^users_pkey, .*was never used, and visits \(10000 rows\) was read whole 100 times$/],
  ['users_pkey', { scans: 1 }, undefined],
  ['users_pkey', { table_rows: 9_999 }, undefined],
  ['users_pkey', { table_scans: 99 }, undefined],
])('an index that was never used, %s with %j, is told of where it matters', async (index, change, what) => {
  const row = { index_name: index, table_name: 'visits', schema_name: 'public', ...unused, ...change };
  // As long as migrations have yet to run, none is missed.
  const seen = await look(checkIndexes, { direct: answering([row]), pendingMigrations: ['one'] });
  expect(seen).toEqual(what === undefined ? finding('ok', /those that there are are valid$/) : finding('advice', what));
});

test('of many names, three are told', () => {
  expect(firstOf(['a', 'b', 'c'])).toBe('a, b, c');
  expect(firstOf(['a', 'b', 'c', 'd'])).toBe('a, b, c, …');
});
