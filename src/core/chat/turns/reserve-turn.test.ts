import { expect, test } from 'vitest';
import { newRunningTurn } from '../../../../test/harness/new-running-turn.ts';
import type { TokenBudget } from '../../plans/index.ts';
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
