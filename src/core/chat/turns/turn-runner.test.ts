import { expect, test } from 'vitest';
import { Deadline } from '../../../base/deadline.ts';
import { newId } from '../../../base/ids.ts';
import { systemClock as clock } from '../../../base/time.ts';
import { Timings } from '../../../base/timings.ts';
import { Limiter } from '../../../platform/limits/index.ts';
import { createLogger } from '../../../platform/log/index.ts';
import type { Caller } from '../../accounts/index.ts';
import { Plans, TokenBudget } from '../../plans/index.ts';
import { TurnRunner, type TurnRunnerOptions } from './turn-runner.ts';

const log = createLogger({ level: 'silent' });
const plan = { name: 'free', requests: [], requestsPerKey: [], tokensPerMonth: 1_000, modelCallsAtOnce: undefined };
const caller = { userId: newId(), plan: 'free', keyId: null, ip: '' } as Caller;
const contextOf = () => ({ deadline: Deadline.after(30_000), timings: new Timings(), requestId: newId() });

/** A model whose answer costs 100 tokens. */
const models = {
  get: () => ({ id: 'm' }),
  async stream(_request: unknown, _call: unknown, take: (chunk: object) => void) {
    take({ model: 'm', choices: [{ index: 0, delta: { content: 'Hi' } }] });
    take({ model: 'm', choices: [], usage: { prompt_tokens: 90, completion_tokens: 10 } });
  },
};

const ended = { answer_seq: 2, ended_at: new Date(), version: 3 };

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
  const readUsed = async () => (await tokenBudget.inspect(caller, contextOf().deadline))?.used;
  /** Whether another turn would be let through. */
  const isLeft = () =>
    tokenBudget.reserve(caller, 1, contextOf().deadline).then(
      (reservation) => reservation.settle(0) === undefined,
      () => false,
    );
  const seen: unknown[] = [];
  let attempts = 0;
  const batches = {
    async startTurn({ turnId }: { turnId: string }) {
      const question = { message_id: newId(), seq: 1, created_at: new Date() };
      const turn = { ...question, turn_id: turnId, model: 'm', assistant: null };
      return [{ i: 1, turn, history: [null, null, null], replayed: false, is_same: null }];
    },
    async endTurn() {
      storedTokens = 100;
      seen.push([await readUsed(), await isLeft()]);
      attempts++;
      return await storeEnd(attempts);
    },
    findTurn: async () => [],
  };
  const times = { turnBudgetMs: 30_000, statementBudgetMs: 30_000 };
  const parts = { database, batches, models, tokenBudget, assistants: [], log, clock, owner: newId(), ...times };
  const runner = new TurnRunner(parts as unknown as TurnRunnerOptions);
  const message = { sessionId: newId(), content: 'Hello', idempotencyKey: null, fingerprint: null };
  await runner.start(caller, message, contextOf());
  await runner.drain(30_000);
  seen.push([await readUsed(), await isLeft()]);
  expect(seen).toEqual(Array(attempts + 1).fill([100, true]));
});
