import { Client } from 'pg';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { newId } from '../../src/base/ids.ts';
import {
  deleteSession,
  findSessions,
  insertSessions,
  type NewSession,
  updateSession,
} from '../../src/core/chat/queries.ts';
import { type NewTurn, startTurns } from '../../src/core/chat/turns/start/queries.ts';
import { endTurns, saveProgress, type TurnEnd } from '../../src/core/chat/turns/store/queries.ts';
import { addUsage, updatePlan } from '../../src/core/plans/queries.ts';
import { createLogger } from '../../src/platform/log/index.ts';
import { openPostgres, type Postgres, type Statement } from '../../src/platform/postgres/index.ts';
import { countLocked } from '../harness/count-locked.ts';
import { createTestDatabase, type TestDatabase } from '../harness/postgres.ts';
import { testContext } from '../harness/test-context.ts';

let home: TestDatabase;
let postgres: Postgres;
let admin: Client;
/** Of what is held. */
let holder: Client;
let userId: string;

beforeAll(async () => {
  home = await createTestDatabase();
  postgres = openPostgres({ url: home.url, log: createLogger({ level: 'silent' }) });
  admin = new Client({ connectionString: home.url });
  holder = new Client({ connectionString: home.url });
  await Promise.all([admin.connect(), holder.connect()]);
});

beforeEach(async () => {
  userId = newId();
  await admin.query('insert into users (user_id, username) values ($1, $2)', [userId, userId]);
});

afterAll(async () => {
  await Promise.all([admin.end(), holder.end(), postgres.close()]);
  await home.drop();
});

const query = <Row extends object>(statement: Statement<Row>) => postgres.query(statement, testContext());
const byInput = (a: { i: number | null }, b: { i: number | null }) => (a.i ?? 0) - (b.i ?? 0);
const once = { keyId: null, ip: null, idempotencyKey: null, fingerprint: null };

function newSession(more: Partial<NewSession> = {}): NewSession {
  return { ...once, userId, id: newId(), title: null, assistant: null, model: null, activityId: newId(), ...more };
}

function newTurn(sessionId: string, more: Partial<NewTurn> = {}): NewTurn {
  const ids = { turnId: newId(), messageId: newId(), activityId: newId(), sessionActivityId: newId() };
  const session = { userId, sessionId, isNewSession: false, assistant: null };
  return { ...once, ...ids, ...session, content: 'Hi', defaultModel: 'usual', owner: userId, ...more };
}

function endOf({ turnId, sessionId, owner }: NewTurn): TurnEnd {
  return {
    ...{ userId, sessionId, turnId, owner, lastHeartbeatAt: null, status: 'completed', messageId: newId() },
    ...{ content: 'Hello', deltaChars: '{5}', toolCalls: null, model: null, degraded: false, activityId: newId() },
    ...{ errorCode: null, errorMessage: null, promptTokens: null, completionTokens: null, usedModel: null },
  };
}

async function createSessions(count: number, more: Partial<NewSession> = {}): Promise<string[]> {
  const sessions = Array.from({ length: count }, () => newSession(more));
  await query(insertSessions(sessions));
  return sessions.map(({ id }) => id);
}

const versionOf = async (id: string) => (await query(findSessions([{ userId, id }])))[0]?.version ?? 0;

test('messages of one session that are stored together follow each other, are answered in order, and change its version', async () => {
  const [session = ''] = await createSessions(1, { model: 'its-own' });
  const turns = ['a', 'b', 'c'].map((content) => newTurn(session, { content }));
  const before = await versionOf(session);
  const started = await query(startTurns(turns));
  expect(started.toSorted(byInput).map(({ turn }) => turn)).toMatchObject(
    [1, 2, 3].map((seq) => ({ seq, model: 'its-own' })),
  );
  const between = await versionOf(session);
  const ended = await query(endTurns(turns.map(endOf)));
  expect(ended.toSorted(byInput).map(({ answer_seq }) => answer_seq)).toEqual([4, 5, 6]);
  const after = await versionOf(session);
  expect([between > before, after > between]).toEqual([true, true]);
});

test('a session whose model was not chosen is answered by the usual one', async () => {
  const [session = ''] = await createSessions(1);
  expect(await query(startTurns([newTurn(session)]))).toMatchObject([{ turn: { model: 'usual' } }]);
});

describe('what comes together with one key', () => {
  const key = { idempotencyKey: 'key' };
  const [body, other] = [Buffer.from('body'), Buffer.from('other')];
  const outcomes = [
    { i: 1, replayed: false, is_same: true },
    { i: 2, replayed: true, is_same: true },
    { i: 3, replayed: true, is_same: false },
  ];

  test('is one turn, and another message is told so', async () => {
    const [session = ''] = await createSessions(1);
    const turns = [body, body, other].map((fingerprint) => newTurn(session, { ...key, fingerprint }));
    const started = await query(startTurns(turns));
    expect(started.toSorted(byInput)).toMatchObject(outcomes);
  });

  test('is one session, and another session is told so', async () => {
    const sessions = [body, body, other].map((fingerprint) => newSession({ ...key, fingerprint }));
    const created = await query(insertSessions(sessions));
    expect(created.toSorted(byInput)).toMatchObject(outcomes);
  });
});

test('a session that is created with its first message is recorded, once', async () => {
  const turn = newTurn(newId(), { isNewSession: true });
  await query(startTurns([turn]));
  await query(startTurns([newTurn(turn.sessionId)]));
  const { rows } = await admin.query('select kind, subject_id from activity where user_id = $1 order by kind', [
    userId,
  ]);
  expect(rows).toMatchObject([
    { kind: 'session.created', subject_id: turn.sessionId },
    { kind: 'turn.started', subject_id: turn.turnId },
    { kind: 'turn.started' },
  ]);
});

test('a change and the end of a session are recorded; it changes as its latest activity, and ends when it has few messages', async () => {
  const [session = ''] = await createSessions(1);
  await query(startTurns([newTurn(session)]));
  await admin.query(`update chat_sessions set updated_at = '2026-01-01' where user_id = $1`, [userId]);
  const actor = () => ({ userId, id: session, keyId: null, ip: null, activityId: newId() });
  const change = { setTitle: true, title: 'New', setModel: false, model: null };
  const [changed] = await query(updateSession({ ...actor(), ...change }));
  expect(changed?.updated_at.getTime()).toBeGreaterThan(Date.parse('2026-01-02'));
  expect(await query(deleteSession({ ...actor(), atMost: 0 }))).toEqual([{ gone: false }]);
  expect(await query(deleteSession({ ...actor(), atMost: 1 }))).toEqual([{ gone: true }]);
  const { rows } = await admin.query('select kind from activity where user_id = $1 order by kind', [userId]);
  const kinds = ['session.created', 'session.deleted', 'session.updated', 'turn.started'];
  expect(rows).toEqual(kinds.map((kind) => ({ kind })));
});

test('the times of a session never go back, though those of the database do', async () => {
  const [session = ''] = await createSessions(1);
  const later = new Date(Date.now() + 3_600_000);
  await admin.query('update chat_sessions set updated_at = $3 where user_id = $1 and id = $2', [
    userId,
    session,
    later,
  ]);
  const turn = newTurn(session);
  expect(await query(startTurns([turn]))).toMatchObject([{ turn: { created_at: expect.any(String) } }]);
  expect(await query(endTurns([endOf(turn)]))).toMatchObject([{ ended_at: later }]);
  const { rows } = await admin.query('select created_at from chat_messages where session_id = $1', [session]);
  expect(rows).toEqual([{ created_at: later }, { created_at: later }]);
});

const progressOf = ({ turnId, owner }: NewTurn) => {
  return { userId, turnId, owner, savedPieces: 0, addition: '', deltaChars: '{}', toolCalls: null };
};

describe('a statement that waits for another heeds what that did:', () => {
  /** Runs a statement while another that has changed the same row is not over yet. */
  async function runBehind<Row extends object>(change: string, statement: Statement<Row>): Promise<Row[]> {
    await holder.query('begin');
    await holder.query(change, [userId]);
    const running = query(statement);
    await expect.poll(() => countLocked(admin)).toBe(1);
    await holder.query('commit');
    return await running;
  }

  test('an answer comes after a message that was stored meanwhile', async () => {
    const [session = ''] = await createSessions(1);
    const turn = newTurn(session);
    await query(startTurns([turn]));
    const before = await versionOf(session);
    const change =
      'update chat_sessions set message_count = message_count + 1, version = version + 1 where user_id = $1';
    expect(await runBehind(change, endTurns([endOf(turn)]))).toMatchObject([{ answer_seq: 3, version: before + 2 }]);
  });

  test('what was saved of a turn meanwhile is not saved once more', async () => {
    const [session = ''] = await createSessions(1);
    const turn = newTurn(session);
    await query(startTurns([turn]));
    const change = `update chat_turns set partial = 'Hi', delta_chars = '{2}' where user_id = $1`;
    const progress = { ...progressOf(turn), addition: 'Hi', deltaChars: '{2}' };
    expect(await runBehind(change, saveProgress([progress]))).toMatchObject([{ fits: false, pieces: 1 }]);
  });

  test('a plan that was chosen meanwhile is not chosen once more', async () => {
    const change = `update users set plan = 'pro', auth_version = auth_version + 1 where user_id = $1`;
    const choice = updatePlan({ userId, keyId: null, ip: null, activityId: newId(), plan: 'pro' });
    expect(await runBehind(change, choice)).toMatchObject([{ told: null }]);
  });
});

test('nothing more is stored of a turn by a server whose it is not, or that has ended it', async () => {
  const [session = '', other = ''] = await createSessions(2);
  const turn = newTurn(session);
  await query(startTurns([turn]));
  const foreign = { ...turn, owner: newId() };
  expect(await query(saveProgress([progressOf(foreign)]))).toEqual([]);
  const wrong = [
    endOf(foreign),
    { ...endOf(turn), sessionId: other },
    { ...endOf(turn), lastHeartbeatAt: new Date(0) },
  ];
  for (const end of wrong) expect(await query(endTurns([end]))).toEqual([]);
  expect(await query(saveProgress([progressOf(turn)]))).toMatchObject([{ fits: true }]);
  expect(await query(endTurns([endOf(turn)]))).toMatchObject([{ answer_seq: 2 }]);
  expect(await query(saveProgress([progressOf(turn)]))).toEqual([]);
  expect(await query(endTurns([endOf(turn)]))).toEqual([]);
});

describe('rows are locked in one order by', () => {
  const usage = (models: readonly string[]) => {
    const row = { userId, day: '2026-11-03', requests: 1, promptTokens: 1, completionTokens: 1 };
    return addUsage({ writer: newId(), batch: 1, rows: models.map((model) => ({ ...row, model })) });
  };
  /** A statement for each row of a table, given the rows from the last to the first. */
  test.each<[string, string, () => Promise<Statement<object>>]>([
    [
      'starts of turns',
      'chat_sessions',
      async () => startTurns((await createSessions(8)).reverse().map((id) => newTurn(id))),
    ],
    [
      'ends of turns',
      'chat_sessions',
      async () => {
        const turns = (await createSessions(8)).map((id) => newTurn(id));
        await query(startTurns(turns));
        return endTurns(turns.reverse().map(endOf));
      },
    ],
    [
      'saves of turns',
      'chat_turns',
      async () => {
        const turns = (await createSessions(8)).map((id) => newTurn(id));
        await query(startTurns(turns));
        return saveProgress(turns.reverse().map(progressOf));
      },
    ],
    [
      'usage',
      'usage_days',
      async () => {
        const models = [...'abcdefgh'];
        await query(usage(models));
        return usage(models.reverse());
      },
    ],
  ])('%s', async (_what, table, prepare) => {
    const statement = await prepare();
    const key = table === 'usage_days' ? 'model' : 'id';
    await holder.query('begin');
    await holder.query(`select from ${table} where user_id = $1 order by ${key} limit 1 for update`, [userId]);
    const running = query(statement);
    await expect.poll(() => countLocked(admin)).toBe(1);
    // It waits for the first, and holds no other meanwhile.
    const free = await admin.query(`select from ${table} where user_id = $1 for update skip locked`, [userId]);
    await holder.query('rollback');
    await running;
    expect(free.rowCount).toBe(7);
  });
});
