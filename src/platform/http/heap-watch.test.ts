import { setImmediate } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, onTestFinished, test } from 'vitest';
import { createLogger } from '../log/index.ts';
import { HeapWatch, type OldHeap } from './heap-watch.ts';

const MIB = 1024 * 1024;

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as (options: { type: 'major' | 'minor' }) => void;

/** A watch of a heap that the test fills, on a clock that the test moves. */
function watchHeap(limitMib: number) {
  let [usedMib, nowMs] = [0, 0];
  const lines: unknown[] = [];
  const log = createLogger({ level: 'info', destination: { write: (line) => void lines.push(JSON.parse(line).msg) } });
  const clock = { now: () => new Date(), monotonicMs: () => nowMs };
  const readHeap = (): OldHeap => ({ usedBytes: usedMib * MIB, limitBytes: limitMib * MIB });
  const watch = new HeapWatch({ log, clock, readHeap });
  onTestFinished(() => watch.close());
  return {
    watch,
    lines,
    pass: (ms: number) => {
      nowMs += ms;
    },
    /** So much is in use when the next collection comes, and has been told of. */
    hold: async (mib: number, type: 'major' | 'minor' = 'major') => {
      usedMib = mib;
      collect({ type });
      for (let turns = 0; turns < 10; turns++) await setImmediate();
    },
  };
}

test('a heap is full for a second from a collection that leaves 70% of it in use', async () => {
  const { watch, hold, pass } = watchHeap(1000);
  await hold(699);
  expect(watch.isFull()).toBe(false);
  await hold(700);
  expect(watch.isFull()).toBe(true);
  pass(999);
  expect(watch.isFull()).toBe(true);
  await hold(900);
  pass(999);
  expect(watch.isFull()).toBe(true);
  pass(1);
  expect(watch.isFull()).toBe(false);
});

test('what is in use after a collection of the young part alone may be garbage, and tells nothing', async () => {
  const { watch, hold } = watchHeap(1000);
  await hold(990, 'minor');
  expect(watch.isFull()).toBe(false);
});

test('that it fills and that it has room again is told once each, however often it is found', async () => {
  const { watch, lines, hold, pass } = watchHeap(1000);
  for (const mib of [900, 950, 690, 950]) await hold(mib);
  pass(1000);
  await hold(950);
  expect(watch.isFull()).toBe(true);
  expect(lines).toEqual(['memory is nearly full: requests are refused']);
  pass(1000);
  for (const mib of [100, 100]) await hold(mib);
  expect(lines.slice(1)).toEqual(['memory has room again']);
});

test('a heap whose old part is too small to tell it from the young one is never full', async () => {
  const { watch, hold } = watchHeap(67);
  await hold(66);
  expect(watch.isFull()).toBe(false);
});

test('nothing is looked at once it is closed', async () => {
  const { watch, hold } = watchHeap(1000);
  watch.close();
  await hold(990);
  expect(watch.isFull()).toBe(false);
});
