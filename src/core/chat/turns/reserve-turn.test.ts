import { expect, test, vi } from 'vitest';
import { newRunningTurn } from '../../../../test/harness/new-running-turn.ts';
import { limitErrors, type TokenBudget } from '../../plans/index.ts';
import { reserveTurn, type TurnOrder } from './reserve-turn.ts';
import type { TurnStart } from './start/turn-request.ts';

/** Starts a turn with tokens set aside; `settled` holds what was used in their stead, once that is told. */
function reserve(start: () => Promise<TurnStart>) {
  const settled: number[] = [];
  const tokens = { reserve: async () => ({ settle: (usedTokens: number) => settled.push(usedTokens) }) };
  const starting = reserveTurn(tokens as unknown as TokenBudget, { contentChars: 0, start } as TurnOrder);
  return { settled, starting };
}

test('what was set aside for a turn that could not be started is given back', async () => {
  const { settled, starting } = reserve(() => Promise.reject(new Error('there is no such session')));
  await expect(starting).rejects.toThrow('there is no such session');
  expect(settled).toEqual([0]);
});

test('a turn that an earlier request started needs nothing set aside, and does not count again when it ends', async () => {
  const turn = newRunningTurn();
  const { settled, starting } = reserve(async () => ({ turn, replayed: true }));
  await starting;
  turn.addUsage({ prompt_tokens: 90, completion_tokens: 10 });
  turn.endWriting();
  await turn.written;
  expect(settled).toEqual([0]);
});

test('as much is set aside as a turn usually comes to, and for the length of its message', async () => {
  const wanted: number[] = [];
  const reserve = async (_caller: unknown, wantedTokens: number) => {
    wanted.push(wantedTokens);
    return { settle: () => undefined };
  };
  const start = async () => ({ turn: newRunningTurn(), replayed: false });
  for (const contentChars of [0, 4_001]) {
    await reserveTurn({ reserve } as unknown as TokenBudget, { contentChars, start } as unknown as TurnOrder);
  }
  expect(wanted).toEqual([8_192, 9_193]);
});

test.each([
  [
    'what an earlier request started is answered where a limit is in the way',
    limitErrors.raise.tokens_exceeded({ limit: 1 }),
    1,
  ],
  ['nothing is looked for where another fault is', new Error('Redis is away'), 0],
])('%s', async (_what, fault, times) => {
  const earlier = { turn: newRunningTurn(), replayed: true };
  const findEarlier = vi.fn(async () => earlier);
  const tokens = { reserve: () => Promise.reject(fault) } as unknown as TokenBudget;
  const outcome = await reserveTurn(tokens, { contentChars: 0, findEarlier } as unknown as TurnOrder).catch(
    (error: unknown) => error,
  );
  expect(outcome).toBe(times === 1 ? earlier : fault);
  expect(findEarlier).toHaveBeenCalledTimes(times);
});
