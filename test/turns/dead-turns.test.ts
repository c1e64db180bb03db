import type { Client } from 'pg';
import { beforeAll, beforeEach, expect, it } from 'vitest';
import { newId } from '../../src/base/ids.ts';
import { type TurnObservation, TurnSweeper } from '../../src/core/chat/index.ts';
import { createLogger } from '../../src/platform/log/index.ts';
import { type Database, postgresErrors } from '../../src/platform/postgres/index.ts';
import { TestClock } from '../harness/test-clock.ts';
import { useTestDatabase } from '../harness/test-database.ts';

const userId = newId();
const sessionId = newId();

const { database, postgres } = useTestDatabase();
let admin: Client;
let clock: TestClock;
let turnId: string;
/** Called after each look at which turns are silent. */
let afterLook: () => Promise<unknown>;
let isAway: boolean;
/** By how much the database's clock was set while the test runs. */
let setByMs: number;
let observed: TurnObservation[];

beforeAll(async () => {
  admin = await database.connect();
  await admin.query(`insert into users (user_id, username, plan) values ($1, 'sweeper', 'free')`, [userId]);
  await admin.query('insert into chat_sessions (user_id, id) values ($1, $2)', [userId, sessionId]);
});

beforeEach(async () => {
  clock = new TestClock();
  turnId = newId();
  afterLook = async () => {};
  isAway = false;
  setByMs = 0;
  observed = [];
  await admin.query(
    `insert into chat_turns (user_id, id, session_id, status, owner, model, heartbeat_at)
      values ($1, $2, $3, 'running', $4, 'stub-model', clock_timestamp() - interval '13 s')`,
    [userId, turnId, sessionId, newId()],
  );
});

function openSweeper(): TurnSweeper {
  const query: Database['query'] = async (statement, context) => {
    if (isAway) throw postgresErrors.raise.unavailable();
    const rows = await postgres.query(statement, context);
    if (statement.name === 'chat.list_dead_turns') {
      for (const row of rows as { now_ms: number }[]) row.now_ms += setByMs;
      await afterLook();
    }
    return rows;
  };
  const log = createLogger({ level: 'silent' });
  const observeTurn = (turn: TurnObservation) => void observed.push(turn);
  return new TurnSweeper({ database: { query }, log, clock, statementBudgetMs: 5_000, observeTurn });
}

async function readStatus(): Promise<string> {
  return (await admin.query('select status from chat_turns where id = $1', [turnId])).rows[0].status;
}

/** The tool calls of each message that was made of the turn's answer. */
async function readCalls(): Promise<object[]> {
  return (await admin.query('select tool_calls from chat_messages where turn_id = $1', [turnId])).rows;
}

it('a turn whose owner has been silent is marked by the first look', async () => {
  expect(await openSweeper().sweep()).toBe(1);
  expect(await readStatus()).toBe('interrupted');
  expect(observed).toEqual([{ status: 'interrupted', code: 'chat.turn_interrupted' }]);
  expect(await readCalls()).toEqual([]);
});

it('a turn whose owner is heard of while it is about to be marked goes on', async () => {
  afterLook = () => admin.query('update chat_turns set heartbeat_at = clock_timestamp() where id = $1', [turnId]);
  expect(await openSweeper().sweep()).toBe(0);
  expect(await readStatus()).toBe('running');
  await admin.query('delete from chat_turns where id = $1', [turnId]);
});

it('after a look that failed, no turn is marked until there were looks for as long as its owner may be silent', async () => {
  const sweeper = openSweeper();
  isAway = true;
  clock.advance(3_000);
  await expect(sweeper.sweep()).rejects.toMatchObject({ code: 'postgres.unavailable' });
  isAway = false;
  for (let look = 0; look < 4; look++) {
    clock.advance(3_000);
    expect(await sweeper.sweep()).toBe(0);
  }
  clock.advance(3_000);
  expect(await sweeper.sweep()).toBe(1);
});

it.each([
  ['forward', 13],
  ['back', -13],
])(
  'after the clock of the database was set %s, no turn is marked until its owner could be heard again',
  async (_, seconds) => {
    const hear = (agoSeconds: number) =>
      admin.query('update chat_turns set heartbeat_at = clock_timestamp() - make_interval(secs => $2) where id = $1', [
        turnId,
        agoSeconds,
      ]);
    const sweeper = openSweeper();
    await hear(0);
    expect(await sweeper.sweep()).toBe(0);
    setByMs = seconds * 1_000;
    await hear(seconds);
    for (let look = 0; look < 4; look++) {
      expect(await sweeper.sweep()).toBe(0);
      clock.advance(3_000);
    }
    expect(await sweeper.sweep()).toBe(1);
  },
);

it('a call that the end of its server cut off is answered with that it may have had an effect, and no other', async () => {
  const call = { id: 'a', name: 'todo_add', arguments: {}, step: 1, at: 0 };
  const done = { ...call, id: 'b', result: 'added', is_error: false };
  await admin.query('update chat_turns set tool_calls = $2 where id = $1', [turnId, JSON.stringify([done, call])]);
  await openSweeper().sweep();
  expect(await readCalls()).toMatchObject([{ tool_calls: [done, { ...call, is_error: true, is_unsure: true }] }]);
});

it('a look that marks turns is one of those that must not be too far apart', async () => {
  const sweeper = openSweeper();
  for (let look = 0; look < 2; look++) {
    await admin.query(`update chat_turns set status = 'running', ended_at = null where id = $1`, [turnId]);
    clock.advance(3_000);
    expect(await sweeper.sweep()).toBe(1);
  }
});
