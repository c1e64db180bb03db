import { DatabaseError } from 'pg';
import { expect, test } from 'vitest';
import { newRunningTurn } from '../../../../test/harness/new-running-turn.ts';
import { AppError } from '../../../base/errors.ts';
import { newId } from '../../../base/ids.ts';
import { createLogger, Trouble } from '../../../platform/log/index.ts';
import { postgresErrors } from '../../../platform/postgres/index.ts';
import type { ModelUse } from '../../plans/index.ts';
import type { TurnRow } from './queries.ts';
import type { RunningTurn } from './running-turn.ts';
import { type EndTurnOptions, endTurn } from './turn-end.ts';

/** What is found of a turn that is not there to be ended, and how it came to that. */
interface Lost {
  readonly turn?: RunningTurn;
  readonly failure?: Error;
  readonly row?: Partial<TurnRow>;
  readonly disabledAt?: Date;
  readonly isErased?: boolean;
  readonly isUnheard?: boolean;
  readonly isUsed?: boolean;
  /** What Postgres says of its end. */
  readonly refusal?: Error;
}

/** Ends such a turn; answers what its reader was told, and what was counted. */
async function endLost(found: Lost) {
  const turn = found.turn ?? newRunningTurn();
  if (found.isUsed) turn.addUsage({ prompt_tokens: 90, completion_tokens: 10 });
  const log = createLogger({ level: 'silent' });
  let tries = 0;
  const batches = {
    endTurn: async () => {
      if (found.refusal) throw found.refusal;
      if (tries++ === 0 && found.isUnheard) throw postgresErrors.raise.timeout();
      return [];
    },
    findTurn: async () => (found.row === undefined ? [] : [found.row]),
  };
  const counted: ModelUse[] = [];
  await endTurn(turn, found.failure, {
    ...{ batches, log, trouble: new Trouble(log, { begins: '', ends: '' }), owner: newId() },
    database: { query: async () => (found.isErased ? [] : [{ disabled_at: found.disabledAt ?? null }]) },
    usage: { record: (use: ModelUse) => counted.push(use) },
    ...{ statementBudgetMs: 1_000, lastTry: new AbortController().signal },
  } as unknown as EndTurnOptions);
  return { code: await turn.result.catch(({ code }) => code), counted };
}

test('a turn that is gone before it cost anything ends so, and counts for nothing', async () => {
  expect(await endLost({})).toEqual({ code: 'chat.session_not_found', counted: [] });
});

test('a turn that is gone because its user is being erased ends with that', async () => {
  expect(await endLost({ disabledAt: new Date() })).toMatchObject({ code: 'auth.user_disabled' });
});

test('a turn whose user was erased ends with that, and counts for nobody', async () => {
  expect(await endLost({ isErased: true, isUsed: true })).toEqual({ code: 'auth.user_disabled', counted: [] });
});

test('what a turn cost that is gone is counted', async () => {
  expect((await endLost({ isUsed: true })).counted).toMatchObject([
    { promptTokens: 90, completionTokens: 10, requests: 1 },
  ]);
});

test('what a turn cost is not counted again where its end was stored unheard', async () => {
  const row = { ended_at: new Date(), answer_id: null, text: '', completion_tokens: 10 };
  expect(await endLost({ failure: new Error('the model failed'), row, isUnheard: true, isUsed: true })).toMatchObject({
    counted: [],
  });
});

test.each([
  ['a text that alone counts for more than the model took', 'x'.repeat(100), { completionTokens: 0, requests: 0 }],
  ['a text of characters that JavaScript takes for two', '😀'.repeat(20), { completionTokens: 5, requests: 0 }],
  ['nothing', '', { completionTokens: 10, requests: 1 }],
])('of a turn that was taken over with %s, what is not counted yet is counted', async (_what, text, counts) => {
  const { code, counted } = await endLost({ row: { text, ended_at: null, completion_tokens: null }, isUsed: true });
  expect(code).toBe('chat.turn_lost');
  expect(counted).toMatchObject([{ promptTokens: 90, ...counts }]);
});

test('a call that its turn’s end came before is answered, and no other', async () => {
  const turn = newRunningTurn();
  const call = { name: 'todo_add', arguments: {}, step: 1, at: 0 };
  const [done, cut] = [
    { ...call, id: 'a' },
    { ...call, id: 'b' },
  ];
  turn.beginCalls([done, cut]);
  turn.finishCall(done, { result: 'added', is_error: false });
  await endLost({ turn, failure: new Error('the user has enough') });
  const neverDone = { result: { error: 'The turn ended before this was done.' }, is_error: true };
  expect(turn.toolCalls).toMatchObject([{ result: 'added', is_error: false }, neverDone]);
});

test('a turn whose end cannot be stored is told so', async () => {
  const refusal = Object.assign(new DatabaseError('refused', 0, 'error'), { code: '22021' });
  expect(await endLost({ refusal })).toMatchObject({ code: 'http.internal' });
});

test('what a provider finds wrong with a request is told as no field of the user’s', async () => {
  const told = { quotesInput: true, retryAfterMs: 5_000 };
  const failure = new AppError('models.invalid_request', { status: 400, message: 'No.', param: 'messages', ...told });
  const turn = newRunningTurn();
  await endLost({ turn, failure });
  const error = await turn.result.catch((reason: unknown) => reason);
  expect(error).toMatchObject({ code: 'models.invalid_request', param: undefined, ...told });
});
