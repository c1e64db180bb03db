import { expect, test } from 'vitest';
import { findSessions } from '../../src/core/chat/queries.ts';
import { findTurns, requestStop } from '../../src/core/chat/turns/queries.ts';
import { retryTurn, startTurns } from '../../src/core/chat/turns/start/queries.ts';
import { MAX_HISTORY_CHARS } from '../../src/core/chat/turns/start/replay-history.ts';
import { endTurns, saveProgress, type TurnEnd } from '../../src/core/chat/turns/store/queries.ts';
import { useChatRows } from '../harness/chat-rows.ts';

const { database, user, query, createSessions, newTurn, startTurn, endOf, progressOf } = useChatRows();

test.each([
  ['a session whose model was not chosen is answered by the usual one', null, 'usual'],
  ['a session whose model was chosen is answered by that', 'its-own', 'its-own'],
])('%s, also again', async (_what, chosen, model) => {
  const [session = ''] = await createSessions(1, { model: chosen });
  const turn = newTurn(session);
  expect(await query(startTurns([turn]))).toMatchObject([{ turn: { model } }]);
  await query(endTurns([{ ...endOf(turn), status: 'failed' }]));
  const retry = { ...newTurn(session), retriedId: turn.turnId };
  expect(await query(retryTurn(retry))).toMatchObject([{ turn: { model } }]);
});

test.each<[string, Partial<TurnEnd>, number | null]>([
  ['completed leaves its answer, though it is empty', { content: '' }, 2],
  ['was stopped leaves its answer, though it is empty', { content: '', status: 'stopped' }, 2],
  ['failed leaves what was written', { status: 'failed' }, 2],
  ['failed leaves what its tools did', { content: '', status: 'failed', toolCalls: '[{}]' }, 2],
  ['failed before anything was written leaves nothing', { content: '', status: 'failed' }, null],
])('a turn that %s, and nothing of a draft', async (_how, end, seq) => {
  const turn = await startTurn();
  await query(saveProgress([{ ...progressOf(turn), addition: 'Hel', deltaChars: '{3}', toolCalls: '[{}]' }]));
  expect(await query(requestStop(turn))).toEqual([{ id: turn.turnId }]);
  const row = { ...endOf(turn), ...end };
  expect(await query(endTurns([row]))).toMatchObject([{ answer_seq: seq }]);
  expect(await query(requestStop(turn))).toEqual([]);
  const { rows } = await database.admin.query('select * from chat_turns where user_id = $1', [user.userId]);
  const answer = { answer_id: seq && row.messageId, answer_seq: seq };
  expect(rows).toMatchObject([{ partial: '', tool_calls: null, stop_requested: false, ...answer }]);
});

test('what turns cost is counted of the model that took it: a token for four characters where nobody counted, and nothing for nothing', async () => {
  const [session = ''] = await createSessions(1);
  const nothing = { content: '', status: 'failed' as const };
  const ends = [
    {},
    nothing,
    { ...nothing, promptTokens: 7, completionTokens: 0 },
    { model: 'stand-in', usedModel: 'stand-in' },
  ];
  const turns = ends.map(() => newTurn(session));
  await query(startTurns(turns));
  await query(endTurns(turns.map((turn, at) => ({ ...endOf(turn), ...ends[at] }))));
  const { rows } = await database.admin.query(
    'select model, requests, prompt_tokens::integer, completion_tokens::integer from usage_days where user_id = $1 order by 1',
    [user.userId],
  );
  expect(rows).toEqual([
    { model: 'stand-in', requests: 1, prompt_tokens: 0, completion_tokens: 2 },
    { model: 'usual', requests: 2, prompt_tokens: 7, completion_tokens: 2 },
  ]);
});

test('the time of a session is that of its latest answer', async () => {
  const turn = await startTurn();
  await database.admin.query(`update chat_sessions set updated_at = '2026-01-01' where user_id = $1`, [user.userId]);
  const [ended] = await query(endTurns([endOf(turn)]));
  const [session] = await query(findSessions([{ userId: user.userId, id: turn.sessionId }]));
  expect(session?.updated_at).toEqual(ended?.ended_at);
});

test('who knows how a turn stood reads nothing of it until it has ended', async () => {
  const turn = await startTurn();
  await query(saveProgress([{ ...progressOf(turn), addition: 'Hel', deltaChars: '{3}' }]));
  const [{ heartbeat_at: knownHeartbeatAt } = { heartbeat_at: null }] = await query(findTurns([turn]));
  const look = findTurns([{ ...turn, knownHeartbeatAt }]);
  expect(await query(look)).toMatchObject([{ is_news: false, question: null, text: null }]);
  await query(endTurns([endOf(turn)]));
  expect(await query(look)).toMatchObject([{ is_news: true, question: 'Hi', text: 'Hello' }]);
});

test('a retry is recorded, and told what came before its message, the latest first, as far as it is not too much', async () => {
  const tooMuch = await startTurn();
  await query(endTurns([{ ...endOf(tooMuch), content: 'x'.repeat(4 * MAX_HISTORY_CHARS) }]));
  const before = newTurn(tooMuch.sessionId, { content: 'a' });
  await query(startTurns([before]));
  await query(endTurns([{ ...endOf(before), content: 'b' }]));
  const failed = newTurn(tooMuch.sessionId);
  await query(startTurns([failed]));
  await query(endTurns([{ ...endOf(failed), status: 'failed' }]));
  const retry = { ...newTurn(tooMuch.sessionId), retriedId: failed.turnId };
  const [started] = await query(retryTurn(retry));
  expect(started?.history).toEqual([
    ['assistant', 'user'],
    ['b', 'a'],
    [null, null],
  ]);
  const { rows } = await database.admin.query('select kind from activity where subject_id = $1', [retry.turnId]);
  expect(rows).toEqual([{ kind: 'turn.started' }]);
});

test('a retry is told what tools did for the same message before, the latest of it where it is too much', async () => {
  let turn = await startTurn();
  const told: unknown[] = [];
  for (const id of ['too much', 'a', 'b']) {
    const result = id === 'too much' ? 'x'.repeat(4 * MAX_HISTORY_CHARS) : id;
    const toolCalls = JSON.stringify([{ id, result }]);
    await query(endTurns([{ ...endOf(turn), status: 'failed', toolCalls }]));
    const retry = { ...newTurn(turn.sessionId), retriedId: turn.turnId };
    const [started] = await query(retryTurn(retry));
    told.push(started?.tried);
    turn = retry;
  }
  expect(told).toMatchObject([null, [[{ id: 'a' }]], [[{ id: 'a' }], [{ id: 'b' }]]]);
});

test('a save is a sign of life, also where nothing was written', async () => {
  const turn = await startTurn();
  await database.admin.query(`update chat_turns set heartbeat_at = '2026-01-01' where user_id = $1`, [user.userId]);
  await query(saveProgress([progressOf(turn)]));
  const [row] = await query(findTurns([turn]));
  expect(row?.heartbeat_at.getTime()).toBeGreaterThan(Date.parse('2026-01-02'));
});
