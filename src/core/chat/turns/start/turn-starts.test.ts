import { expect, test } from 'vitest';
import { Deadline } from '../../../../base/deadline.ts';
import { newId } from '../../../../base/ids.ts';
import { systemClock as clock } from '../../../../base/time.ts';
import { Timings } from '../../../../base/timings.ts';
import { createLogger } from '../../../../platform/log/index.ts';
import type { Caller } from '../../../accounts/index.ts';
import { TurnRunner, type TurnRunnerOptions } from '../turn-runner.ts';

test('a turn whose user is disabled while it is being started ends as soon as it runs, and no other user’s', async () => {
  const gate = Promise.withResolvers<void>();
  const ends: unknown[] = [];
  const batches = {
    async startTurn({ turnId }: { turnId: string }) {
      await gate.promise;
      const turn = {
        turn_id: turnId,
        message_id: newId(),
        seq: 1,
        created_at: new Date(),
        model: 'm',
        assistant: null,
      };
      return [{ i: 1, turn, history: [null, null, null], replayed: false, is_same: null }];
    },
    async endTurn({ userId, status }: { userId: string; status: string }) {
      ends.push([userId, status]);
      return [{ answer_seq: 2, ended_at: new Date(), version: 3 }];
    },
  };
  const models = {
    get: () => ({ id: 'm' }),
    async stream(_request: unknown, { deadline }: { deadline: Deadline }, take: (chunk: object) => void) {
      await new Promise(setImmediate);
      deadline.throwIfEnded();
      take({ model: 'm', choices: [{ index: 0, delta: { content: 'Hi' } }] });
    },
  };
  const tokenBudget = { reserve: async () => ({ settle: () => undefined }) };
  const log = createLogger({ level: 'silent' });
  const times = { turnBudgetMs: 30_000, statementBudgetMs: 30_000 };
  const parts = { database: {}, batches, models, tokenBudget, assistants: [], log, clock, owner: newId(), ...times };
  const runner = new TurnRunner(parts as unknown as TurnRunnerOptions);
  const [disabled, other] = [newId(), newId()];
  const starting = [disabled, other].map((userId) => {
    const message = { sessionId: newId(), content: 'Hello', idempotencyKey: null, fingerprint: null };
    const context = { deadline: Deadline.after(30_000), timings: new Timings(), requestId: newId() };
    return runner.start({ userId, keyId: null, ip: '' } as Caller, message, context);
  });
  expect(runner.users).toEqual(new Set([disabled, other]));
  runner.endTurnsOf(disabled, new Error('This account is disabled.'));
  gate.resolve();
  await Promise.all(starting);
  await runner.drain(30_000);
  expect(ends).toHaveLength(2);
  expect(ends).toEqual(
    expect.arrayContaining([
      [disabled, 'failed'],
      [other, 'completed'],
    ]),
  );
  expect(runner.users.size).toBe(0);
});
