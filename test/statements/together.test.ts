import { describe, expect, test } from 'vitest';
import { newId } from '../../src/base/ids.ts';
import { deleteSession, insertSessions, updateSession } from '../../src/core/chat/queries.ts';
import { requestStop } from '../../src/core/chat/turns/queries.ts';
import { startTurns } from '../../src/core/chat/turns/start/queries.ts';
import { endTurns, saveProgress } from '../../src/core/chat/turns/store/queries.ts';
import { addUsage, updatePlan } from '../../src/core/plans/queries.ts';
import type { Statement } from '../../src/platform/postgres/index.ts';
import { useChatRows } from '../harness/chat-rows.ts';
import { countLocked } from '../harness/count-locked.ts';

const { database, user, query, newSession, createSessions, newTurn, startTurn, endOf, progressOf, versionOf } =
  useChatRows();
const byInput = (a: { i: number | null }, b: { i: number | null }) => (a.i ?? 0) - (b.i ?? 0);

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
  const { rows } = await database.admin.query(
    'select kind, subject_id from activity where user_id = $1 order by kind',
    [user.userId],
  );
  expect(rows).toMatchObject([
    { kind: 'session.created', subject_id: turn.sessionId },
    { kind: 'turn.started', subject_id: turn.turnId },
    { kind: 'turn.started' },
  ]);
});

test('a change and the end of a session are recorded; it changes as its latest activity, and ends when it has few messages', async () => {
  const [session = ''] = await createSessions(1);
  await query(startTurns([newTurn(session)]));
  await database.admin.query(`update chat_sessions set updated_at = '2026-01-01' where user_id = $1`, [user.userId]);
  const actor = () => ({ userId: user.userId, id: session, keyId: null, ip: null, activityId: newId() });
  const change = { setTitle: true, title: 'New', setModel: false, model: null };
  const [changed] = await query(updateSession({ ...actor(), ...change }));
  expect(changed?.updated_at.getTime()).toBeGreaterThan(Date.parse('2026-01-02'));
  expect(await query(deleteSession({ ...actor(), atMost: 0 }))).toEqual([{ gone: false }]);
  expect(await query(deleteSession({ ...actor(), atMost: 1 }))).toEqual([{ gone: true }]);
  const { rows } = await database.admin.query('select kind from activity where user_id = $1 order by kind', [
    user.userId,
  ]);
  const kinds = ['session.created', 'session.deleted', 'session.updated', 'turn.started'];
  expect(rows).toEqual(kinds.map((kind) => ({ kind })));
});

test('the times of a session never go back, though those of the database do', async () => {
  const [session = ''] = await createSessions(1);
  const later = new Date(Date.now() + 3_600_000);
  await database.admin.query('update chat_sessions set updated_at = $3 where user_id = $1 and id = $2', [
    user.userId,
    session,
    later,
  ]);
  const turn = newTurn(session);
  expect(await query(startTurns([turn]))).toMatchObject([{ turn: { created_at: expect.any(String) } }]);
  expect(await query(endTurns([endOf(turn)]))).toMatchObject([{ ended_at: later }]);
  const { rows } = await database.admin.query('select created_at from chat_messages where session_id = $1', [session]);
  expect(rows).toEqual([{ created_at: later }, { created_at: later }]);
});

describe('a statement that waits for another heeds what that did:', () => {
  /** Runs a statement while another that has changed the same row is not over yet. */
  async function runBehind<Row extends object>(change: string, statement: Statement<Row>): Promise<Row[]> {
    await database.holder.query('begin');
    await database.holder.query(change, [user.userId]);
    const running = query(statement);
    await expect.poll(() => countLocked(database.admin)).toBe(1);
    await database.holder.query('commit');
    return await running;
  }

  test('an answer comes after a message that was stored meanwhile', async () => {
    const turn = await startTurn();
    const before = await versionOf(turn.sessionId);
    const change =
      'update chat_sessions set message_count = message_count + 1, version = version + 1 where user_id = $1';
    expect(await runBehind(change, endTurns([endOf(turn)]))).toMatchObject([{ answer_seq: 3, version: before + 2 }]);
  });

  test('what was saved of a turn meanwhile is not saved once more', async () => {
    const turn = await startTurn();
    const change = `update chat_turns set partial = 'Hi', delta_chars = '{2}' where user_id = $1`;
    const progress = { ...progressOf(turn), addition: 'Hi', deltaChars: '{2}' };
    expect(await runBehind(change, saveProgress([progress]))).toMatchObject([{ fits: false, pieces: 1 }]);
  });

  test('a turn that has ended meanwhile is not ended once more', async () => {
    const turn = await startTurn();
    const change = `update chat_turns set status = 'interrupted', ended_at = now() where user_id = $1`;
    expect(await runBehind(change, endTurns([endOf(turn)]))).toEqual([]);
  });

  test('a turn that has ended meanwhile is not to be stopped', async () => {
    const turn = await startTurn();
    const change = `update chat_turns set status = 'completed', ended_at = now() where user_id = $1`;
    expect(await runBehind(change, requestStop(turn))).toEqual([]);
  });

  test('a plan that was chosen meanwhile is not chosen once more', async () => {
    const change = `update users set plan = 'pro', auth_version = auth_version + 1 where user_id = $1`;
    const choice = updatePlan({ userId: user.userId, keyId: null, ip: null, activityId: newId(), plan: 'pro' });
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
    const row = { userId: user.userId, day: '2026-11-03', requests: 1, promptTokens: 1, completionTokens: 1 };
    return addUsage({ writer: newId(), batch: 1, rows: models.map((model) => ({ ...row, model })) });
  };
  const startEight = async () => {
    const turns = (await createSessions(8)).map((id) => newTurn(id));
    await query(startTurns(turns));
    return turns;
  };
  /** A statement for each row of a table, given the rows from the last to the first. */
  test.each<[string, string, () => Promise<Statement<object>>]>([
    [
      'starts of turns',
      'chat_sessions',
      async () => startTurns((await createSessions(8)).reverse().map((id) => newTurn(id))),
    ],
    ['ends of turns', 'chat_sessions', async () => endTurns((await startEight()).reverse().map(endOf))],
    ['saves of turns', 'chat_turns', async () => saveProgress((await startEight()).reverse().map(progressOf))],
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
    await database.holder.query('begin');
    await database.holder.query(`select from ${table} where user_id = $1 order by ${key} limit 1 for update`, [
      user.userId,
    ]);
    const running = query(statement);
    await expect.poll(() => countLocked(database.admin)).toBe(1);
    // It waits for the first, and holds no other meanwhile.
    const free = await database.admin.query(`select from ${table} where user_id = $1 for update skip locked`, [
      user.userId,
    ]);
    await database.holder.query('rollback');
    await running;
    expect(free.rowCount).toBe(7);
  });
});
