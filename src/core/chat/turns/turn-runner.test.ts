import { expect, test } from 'vitest';
import { testContext } from '../../../../test/harness/test-context.ts';
import type { Deadline } from '../../../base/deadline.ts';
import { newId } from '../../../base/ids.ts';
import { systemClock as clock } from '../../../base/time.ts';
import { Limiter } from '../../../platform/limits/index.ts';
import { createLogger } from '../../../platform/log/index.ts';
import type { Caller } from '../../accounts/index.ts';
import { Plans, TokenBudget } from '../../plans/index.ts';
import { Assistants } from '../assistants.ts';
import { TurnRunner, type TurnRunnerOptions } from './turn-runner.ts';

const log = createLogger({ level: 'silent' });
const plan = { name: 'free', requests: [], requestsPerKey: [], tokensPerMonth: 1_000, modelCallsAtOnce: undefined };
const newCaller = () => ({ userId: newId(), plan: 'free', keyId: null, ip: '' }) as Caller;
const hello = () => ({ sessionId: newId(), content: 'Hello', idempotencyKey: null, fingerprint: null });

/** A model whose answer costs 100 tokens. */
const models = {
  get: () => ({ id: 'm' }),
  async stream(_request: unknown, _call: unknown, take: (chunk: object) => void) {
    take({ model: 'm', choices: [{ index: 0, delta: { content: 'Hi' } }] });
    take({ model: 'm', choices: [], usage: { prompt_tokens: 90, completion_tokens: 10, total_tokens: 100 } });
  },
};

const ended = { answer_seq: 2, ended_at: new Date(), version: 3 };

/** What the database answers to the start of a turn. */
function started(turnId: string) {
  const question = { message_id: newId(), seq: 1, created_at: new Date() };
  const turn = { ...question, turn_id: turnId, model: 'm', assistant: null };
  return [{ i: 1, turn, history: [null, null, null], replayed: false, is_same: null }];
}

function createRunner(parts: object): TurnRunner {
  const options = { assistants: new Assistants([]), log, clock, owner: newId(), turnBudgetMs: 30_000 };
  return new TurnRunner({ ...options, ...parts, statementBudgetMs: 30_000 } as unknown as TurnRunnerOptions);
}

test.each([
  ['is stored', async () => [ended]],
  ['may have been stored, unheard', (attempt: number) => (attempt === 1 ? Promise.reject(new Error('lost')) : [])],
  ['was another process to store', async () => []],
])('the tokens of a turn count once, and none stay set aside, when its end %s', async (_how, storeEnd) => {
  let storedTokens = 0;
  const database = { query: async () => [{ i: 1, tokens: storedTokens, given: 0 }] as never };
  const limiter = new Limiter({ redis: undefined, clock });
  const plans = new Plans(new Map([['free', plan]]), log);
  const limits = { observers: {}, redis: undefined, limiter, plans, longestCallMs: 30_000 };
  const tokenBudget = new TokenBudget({ database, ...limits, clock, log });
  const caller = newCaller();
  const readUsed = async () => (await tokenBudget.inspect(caller, testContext().deadline))?.used;
  /** Whether another turn would be let through. */
  const isLeft = () =>
    tokenBudget.reserve(caller, 1, testContext().deadline).then(
      (reservation) => reservation.settle(0) === undefined,
      () => false,
    );
  const seen: unknown[] = [];
  let attempts = 0;
  const batches = {
    startTurn: async ({ turnId }: { turnId: string }) => started(turnId),
    async endTurn() {
      storedTokens = 100;
      seen.push([await readUsed(), await isLeft()]);
      attempts++;
      return await storeEnd(attempts);
    },
    findTurn: async () => [],
  };
  const runner = createRunner({ database, batches, models, tokenBudget });
  await runner.start(caller, hello(), testContext());
  await runner.drain(30_000);
  seen.push([await readUsed(), await isLeft()]);
  expect(seen).toEqual(Array(attempts + 1).fill([100, true]));
});

test('a turn whose user is disabled while it is being started ends as soon as it runs, and no other user’s', async () => {
  const gate = Promise.withResolvers<void>();
  const ends: unknown[] = [];
  const batches = {
    startTurn: ({ turnId }: { turnId: string }) => gate.promise.then(() => started(turnId)),
    async endTurn({ userId, status }: { userId: string; status: string }) {
      ends.push([userId, status]);
      return [ended];
    },
  };
  const slowModels = {
    ...models,
    async stream(_request: unknown, { deadline }: { deadline: Deadline }, take: (chunk: object) => void) {
      await new Promise(setImmediate);
      deadline.throwIfEnded();
      take({ model: 'm', choices: [{ index: 0, delta: { content: 'Hi' } }] });
    },
  };
  const tokenBudget = { reserve: async () => ({ settle: () => undefined }) };
  const runner = createRunner({ database: {}, batches, models: slowModels, tokenBudget });
  const [disabled, other] = [newCaller(), newCaller()];
  const starting = [disabled, other].map((caller) => runner.start(caller, hello(), testContext()));
  expect(runner.users).toEqual(new Set([disabled.userId, other.userId]));
  runner.endTurnsOf(disabled.userId, new Error('This account is disabled.'));
  gate.resolve();
  await Promise.all(starting);
  await runner.drain(30_000);
  expect(new Set(ends)).toEqual(
    new Set([
      [disabled.userId, 'failed'],
      [other.userId, 'completed'],
    ]),
  );
  expect(runner.users.size).toBe(0);
});

test('a retry that could not be judged is tried once more, and its message stays that of the first turn', async () => {
  const firstId = newId();
  const [row] = started(newId());
  const judged = { ...row, turn: { ...row?.turn, message_turn_id: firstId }, content: 'Hello', tried: null };
  const answers = [[{ ...row, turn: null }], [judged]];
  const database = { query: async () => answers.shift() };
  const tokenBudget = { reserve: async () => ({ settle: () => undefined }) };
  const batches = { endTurn: async () => [ended] };
  const runner = createRunner({ database, batches, models, tokenBudget });
  const { turn } = await runner.retry(newCaller(), { ...hello(), retriedId: firstId }, testContext());
  await runner.drain(30_000);
  const events: unknown[] = [];
  await turn.feed.read(testContext().deadline.signal, 0, (event) => void events.push(event));
  expect(events[0]).toMatchObject({ type: 'turn.started', message: { turn_id: firstId } });
});

test('an assistant that there is none of is a mistake in a session too that has its own', async () => {
  const starting = createRunner({}).start(newCaller(), { ...hello(), assistant: 'none' }, testContext());
  await expect(starting).rejects.toMatchObject({ code: 'chat.assistant_not_found' });
});
