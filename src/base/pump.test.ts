import { setImmediate as nextTurn } from 'node:timers/promises';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Pump, type Take } from './pump.ts';

/** A source of numbers that grows by hand. */
function source(take: Take<number>) {
  const items: number[] = [];
  let given = 0;
  const pump = new Pump(() => (given < items.length ? items[given++] : undefined), take);
  return {
    pump,
    add: (item: number) => {
      items.push(item);
      pump.run();
    },
  };
}

describe('a pump', () => {
  it('hands over each item once, in order, one at a time, however slowly they come and are taken', async () => {
    const step = fc.record({ pausesBefore: fc.boolean(), takesLong: fc.boolean() });
    const property = fc.asyncProperty(fc.array(step), fc.boolean(), async (steps, fails) => {
      const taken: number[] = [];
      let isTaking = false;
      const { pump, add } = source((at) => {
        expect(isTaking).toBe(false);
        taken.push(at);
        if (!steps[at]?.takesLong) return undefined;
        isTaking = true;
        return nextTurn().then(() => {
          isTaking = false;
        });
      });
      for (const [at, { pausesBefore }] of steps.entries()) {
        if (pausesBefore) await nextTurn();
        add(at);
      }
      const failure = fails ? new Error('the source failed') : undefined;
      pump.end(failure);
      expect(await pump.done.catch((error: unknown) => error)).toBe(failure);
      expect(taken).toEqual([...steps.keys()]);
    });
    await fc.assert(property);
  });

  it('takes at once what can be taken at once', () => {
    const taken: number[] = [];
    const { add } = source((item) => void taken.push(item));
    add(1);
    expect(taken).toEqual([1]);
  });

  it('gives everybody else a turn while it hands over many, also when each is dealt with at once', async () => {
    for (const dealt of [undefined, Promise.resolve()]) {
      let given = 0;
      const pump = new Pump(
        () => (given < 10_000 ? given++ : undefined),
        () => dealt,
      );
      const meanwhile = nextTurn().then(() => given);
      pump.end();
      expect(await meanwhile).toBeLessThan(1_000);
      await pump.done;
      expect(given).toBe(10_000);
    }
  });

  it('is done when it is stopped, also while an item is being taken, and takes no more', async () => {
    const isTaken = Promise.withResolvers<void>();
    const taken: number[] = [];
    const { pump, add } = source((item) => {
      taken.push(item);
      return isTaken.promise;
    });
    add(1);
    add(2);
    pump.stop();
    await pump.done;
    isTaken.resolve();
    await nextTurn();
    add(3);
    expect(taken).toEqual([1]);
  });

  it.each([
    [
      'throws',
      () => {
        throw new Error('cannot be taken');
      },
    ],
    ['rejects', () => Promise.reject(new Error('cannot be taken'))],
  ])('fails when taking %s, and takes no more', async (_how, take: Take<number>) => {
    let taken = 0;
    const { pump, add } = source((item) => {
      taken++;
      return take(item);
    });
    add(1);
    add(2);
    await expect(pump.done).rejects.toThrow('cannot be taken');
    expect(taken).toBe(1);
  });
});
