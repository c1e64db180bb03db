import { setImmediate as nextTurn } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { Deadline } from '../../base/deadline.ts';
import { KeyedLock } from './keyed-lock.ts';

/** Runs works under names, and tells what each did. */
function start() {
  const lock = new KeyedLock();
  const told: string[] = [];
  return {
    told,
    run(name: string, work: string, deadline = Deadline.after(10_000)) {
      const ended = Promise.withResolvers<void>();
      const result = lock.run(name, deadline, async () => {
        told.push(`${work} begins`);
        await ended.promise;
        told.push(`${work} ends`);
        return work;
      });
      return { result, end: ended.resolve, fail: ended.reject };
    },
  };
}

test('works under one name come one after the other, in their order; those under another do not wait', async () => {
  const { told, run } = start();
  const [first, second, third, other] = [run('a', '1'), run('a', '2'), run('a', '3'), run('b', '4')];
  for (const { end } of [other, third, second, first]) end();
  expect(await Promise.all([first, second, third, other].map(({ result }) => result))).toEqual(['1', '2', '3', '4']);
  expect(told.filter((act) => !act.startsWith('4'))).toEqual(
    ['1', '2', '3'].flatMap((work) => [`${work} begins`, `${work} ends`]),
  );
  expect(told.indexOf('4 ends')).toBeLessThan(told.indexOf('2 begins'));
});

test('who comes when the first has ended waits for the second', async () => {
  const { told, run } = start();
  const [first, second] = [run('a', '1'), run('a', '2')];
  first.end();
  await nextTurn();
  const third = run('a', '3');
  third.end();
  await nextTurn();
  expect(told).toEqual(['1 begins', '1 ends', '2 begins']);
  second.end();
  expect(await third.result).toBe('3');
});

test('after work that failed the next begins', async () => {
  const { run } = start();
  const [first, second] = [run('a', '1'), run('a', '2')];
  first.fail(new Error('broken'));
  second.end();
  await expect(first.result).rejects.toThrow('broken');
  expect(await second.result).toBe('2');
});

test('who waits no longer leaves those behind where they were', async () => {
  const { told, run } = start();
  const deadline = Deadline.after(10_000);
  const [first, second] = [run('a', '1'), run('a', '2', deadline)];
  deadline.cancel(new Error('the client left'));
  await expect(second.result).rejects.toThrow('the client left');
  const third = run('a', '3');
  third.end();
  first.end();
  await third.result;
  expect(told).toEqual(['1 begins', '1 ends', '3 begins', '3 ends']);
});
