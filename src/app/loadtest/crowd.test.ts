import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { Crowd } from './crowd.ts';
import type { Action, LoadPlan } from './load-plan.ts';
import { Measurements, type ServerState } from './measurements.ts';

/** A crowd of one who does this, at a rate or one after the other, for as long. Answers what was measured. */
async function measure(
  plan: Partial<LoadPlan>,
  act: (action: Action) => Promise<void>,
  end: Promise<void> = sleep(100),
) {
  const measurements = new Measurements();
  const mix = new Map<Action, number>([
    ['create', 0],
    ['post', 1],
  ]);
  const crowd = new Crowd({ mix, thinkSeconds: 0, ...plan } as LoadPlan, measurements);
  const closing = Promise.withResolvers<void>();
  measurements.beginStage();
  crowd.add({
    do: (action) => Promise.race([act(action), closing.promise.then(() => Promise.reject(new Error('closed')))]),
    close: async () => closing.resolve(),
  });
  await end;
  await crowd.end();
  measurements.endStage(1, 1);
  const at = { seconds: 1, atSeconds: 1, users: 1, server: {} as ServerState };
  return { ...measurements.stages[0], ...measurements.endSecond(at) };
}

test('what is due while ten before it are unanswered counts as an error; what is unanswered at the end, as nothing', async () => {
  let sent = 0;
  const { answers, errorKinds } = await measure({ rate: 1_000 }, () => {
    sent++;
    return new Promise(() => {});
  });
  expect(sent).toBe(1);
  expect(answers).toBe(0);
  expect(Object.keys(errorKinds ?? {})).toEqual(['not sent: ten before it are unanswered']);
});

test('at a rate, the time of an answer counts from when it was due', async () => {
  let hasStalled = false;
  const { p50Ms } = await measure({ rate: 100 }, async () => {
    // All come to a halt, the clock apart.
    for (const startMs = performance.now(); !hasStalled && performance.now() < startMs + 80; );
    hasStalled = true;
  });
  // Of ten that were due then, every 10 ms.
  expect(p50Ms).toBeGreaterThan(20);
});

test('users do what the weights say, and those who think do it one after the other', async () => {
  const done: Action[] = [];
  const end = Promise.withResolvers<void>();
  let busy = 0;
  let mostBusy = 0;
  const act = async (action: Action) => {
    done.push(action);
    mostBusy = Math.max(mostBusy, ++busy);
    await sleep(1);
    busy--;
    if (done.length > 2) end.resolve();
  };
  const { answers, errors } = await measure({}, act, end.promise);
  expect(new Set(done)).toEqual(new Set(['post']));
  expect(mostBusy).toBe(1);
  expect(answers).toBeGreaterThan(1);
  expect(errors).toBe(0);
});

test('what a user fails at is counted by its kind, and is no longer waited for', async () => {
  let left = 11;
  const end = Promise.withResolvers<void>();
  const { errorKinds } = await measure(
    { rate: 100 },
    async () => {
      if (--left === 0) end.resolve();
      throw new Error('status 503');
    },
    end.promise,
  );
  expect(errorKinds?.['status 503']).toBeGreaterThan(9);
});
