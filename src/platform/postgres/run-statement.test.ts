import { expect, onTestFinished, test, vi } from 'vitest';
import type { Pipeline } from './pipelines.ts';
import { runStatement } from './run-statement.ts';

type Answer = (error: Error | null) => void;

/** A connection, how to send a statement over it, and what is to answer each. A request to cancel does not reach its server. */
function open() {
  const answers: Answer[] = [];
  const client = { host: '127.0.0.1', port: 1, query: (_query: unknown, answer: Answer) => void answers.push(answer) };
  const counts = { lastAnswered: Promise.resolve(), unanswered: 0, cancelRequests: 0 };
  const pipeline = { client, ...counts, isClosed: false, isRenewed: false, cut: () => {} } as unknown as Pipeline;
  const released: boolean[] = [];
  const run = (signal: AbortSignal): Promise<unknown> => {
    const release = (isBroken: boolean) => void released.push(isBroken);
    return runStatement(pipeline, { text: '' }, { signal, silentAfterMs: 60_000, release }).catch((error) => error);
  };
  return { answers, pipeline, released, run };
}

test('a statement whose caller has left by the time that there is a connection is not sent', async () => {
  const { answers, released, run } = open();
  expect(await run(AbortSignal.abort('gone'))).toBe('gone');
  expect(answers).toEqual([]);
  expect(released).toEqual([false]);
});

test('once one is to be cancelled nothing follows it, and one that does may have been done when the connection is lost', async () => {
  const { answers, pipeline, released, run } = open();
  const leaving = new AbortController();
  const left = run(leaving.signal);
  const following = run(new AbortController().signal);
  leaving.abort('gone');
  expect(pipeline.isClosed).toBe(true);
  expect(await left).toBe('gone');
  const lost = new Error('the connection was lost');
  for (const answer of answers) answer(lost);
  expect(await following).toBe(lost);
  // Nobody knows what the cancel may still hit.
  await expect.poll(() => released).toEqual([false, true]);
});

test('one that was cancelled before its turn came is not given up for silence later', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  onTestFinished(() => void vi.useRealTimers());
  const { answers, run } = open();
  const first = run(new AbortController().signal);
  const leaving = new AbortController();
  const left = run(leaving.signal);
  leaving.abort('gone');
  await left;
  answers[0]?.(new Error('refused'));
  await first;
  expect(vi.getTimerCount()).toBe(0);
});
