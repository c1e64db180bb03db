import { describe, expect, test } from 'vitest';
import { openCache, TestSource } from '../../../test/harness/cache-fixture.ts';
import { useTestRedis } from '../../../test/harness/redis.ts';
import { TestClock } from '../../../test/harness/test-clock.ts';
import { testContext } from '../../../test/harness/test-context.ts';
import { newId } from '../../base/ids.ts';
import type { Redis } from '../redis/index.ts';

const own = useTestRedis();

/** Something that waits until it is let go. */
class Gate {
  readonly #opened = Promise.withResolvers<void>();
  open(): void {
    this.#opened.resolve();
  }
  wait(): Promise<void> {
    return this.#opened.promise;
  }
}

/** Every order of the events in which each comes after those it names. */
function ordersOf(events: Readonly<Record<string, readonly string[]>>): string[][] {
  const extend = (done: readonly string[]): string[][] => {
    const next = Object.entries(events).filter(
      ([event, after]) => !done.includes(event) && after.every((other) => done.includes(other)),
    );
    return next.length === 0 ? [[...done]] : next.flatMap(([event]) => extend([...done, event]));
  };
  return extend([]);
}

/** A Redis whose stores of values wait at a gate. */
function withGate(inner: Redis, gate: Gate): Redis {
  return {
    isAvailable: true,
    get: (key) => inner.get(key),
    getAll: (keys) => inner.getAll(keys),
    setIfAbsent: (key, text, ttlMs) => inner.setIfAbsent(key, text, ttlMs),
    ping: () => inner.ping(),
    run: async (script, keys, values) => {
      if (keys.some((key) => key.includes(':value:'))) await gate.wait();
      return await inner.run(script, keys, values);
    },
    close: async () => {},
  };
}

/** Lets everything happen that needs nothing but time. */
async function settle(): Promise<void> {
  for (let round = 0; round < 4; round++) {
    await own.redis.get('nothing');
    await new Promise((resolve) => setImmediate(resolve));
  }
}

const NEW = 'ann/1 at 2';

/** Two processes on one source and, maybe, one Redis; the first load of process A goes on step by step. */
function stage(isShared: boolean) {
  const clock = new TestClock();
  const source = new TestSource(clock);
  source.change('ann');
  const gates = { snapshot: new Gate(), answer: new Gate(), store: new Gate() };
  const name = newId();
  const a = openCache(source, clock, { name, redis: isShared ? withGate(own.redis, gates.store) : undefined });
  const b = openCache(source, clock, { name, redis: isShared ? own.redis : undefined });
  clock.advance(10);
  /** Starts the load of A that stops at the gates; later loads do not. */
  const begin = (): Promise<string | undefined> => {
    source.beforeSnapshot = () => gates.snapshot.wait();
    source.beforeAnswer = () => gates.answer.wait();
    const asked = a.get('ann/1', testContext());
    return asked;
  };
  const letOthersPass = (): void => {
    source.beforeSnapshot = async () => {};
    source.beforeAnswer = async () => {};
  };
  const act: Record<string, () => void> = {
    'A reads': () => gates.snapshot.open(),
    'A is answered': () => gates.answer.open(),
    'A stores': () => gates.store.open(),
    'the change': () => source.change('ann'),
    'A hears': () => a.invalidate('ann', 2),
    'B hears': () => b.hear('ann', 2),
    'B is deaf': () => b.lose(),
    'B hears again': () => b.restore(source.nowMs()),
  };
  const perform = async (event: string): Promise<void> => {
    clock.advance(10);
    act[event]?.();
    await settle();
  };
  return { a, b, begin, letOthersPass, perform, ask: (cache: typeof a) => cache.get('ann/1', testContext()) };
}

/** Plays the events; answers all that was served to those who asked after they had heard, and to the last who ask. */
async function play(order: readonly string[], isShared: boolean): Promise<Set<string | undefined>> {
  const { a, b, begin, letOthersPass, perform, ask } = stage(isShared);
  const first = begin();
  await settle();
  letOthersPass();
  const served: Promise<string | undefined>[] = [];
  const hearers = new Set<typeof a>();
  for (const event of order) {
    await perform(event);
    if (event === 'A hears') hearers.add(a);
    if (event === 'B hears') hearers.add(b);
    for (const hearer of hearers) served.push(ask(hearer));
  }
  // Who began before the change may get what was there then, but not once the change was heard of.
  if (order.indexOf('A hears') < order.indexOf('A is answered')) served.push(first);
  await Promise.all(served);
  // Nor is it left anywhere.
  return new Set(await Promise.all([...served, ask(a), ask(b)]));
}

const loading = { 'A reads': [], 'A is answered': ['A reads'], 'A stores': ['A is answered'] };

describe.each([
  { kind: 'in memory', isShared: false },
  { kind: 'through Redis', isShared: true },
])('a value loaded before an invalidation, $kind,', ({ isShared }) => {
  const orders = ordersOf({
    ...loading,
    'the change': [],
    'A hears': ['the change'],
    'B hears': ['the change'],
  });

  test(`is never served after it, in each of ${orders.length} orders of load, change, invalidation and store`, async () => {
    expect(orders).toHaveLength(40);
    for (const order of orders) expect([order, await play(order, isShared)]).toEqual([order, new Set([NEW])]);
  });

  test('is never served by a process that was deaf at the time, from the change on', async () => {
    const deafOrders = ordersOf({
      ...loading,
      'B is deaf': [],
      'the change': ['B is deaf'],
      'A hears': ['the change'],
      'B hears again': ['the change'],
    });
    for (const order of deafOrders) {
      const { b, begin, letOthersPass, perform, ask } = stage(isShared);
      letOthersPass();
      // B knows the old value from before.
      expect(await ask(b)).toBe('ann/1 at 1');
      void begin().catch(() => {});
      await settle();
      letOthersPass();
      const after: Promise<string | undefined>[] = [];
      for (const [index, event] of order.entries()) {
        await perform(event);
        if (order.slice(0, index + 1).includes('the change')) after.push(ask(b));
      }
      expect([order, new Set(await Promise.all(after))]).toEqual([order, new Set([NEW])]);
    }
  });
});
