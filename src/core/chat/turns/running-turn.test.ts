import { expect, test } from 'vitest';
import { newRunningTurn } from '../../../../test/harness/new-running-turn.ts';
import { chatErrors } from '../errors.ts';

test.each([
  ['One moment.', 'One moment.\n\nDone.'],
  ['One moment.\n', 'One moment.\nDone.'],
  ['', 'Done.'],
])('what is written after a round of calls begins a paragraph of its own: after %j, %j', (before, text) => {
  const turn = newRunningTurn();
  turn.write(before);
  turn.beginCalls([]);
  turn.write('Done.');
  expect(turn.text).toBe(text);
});

test('what comes in halves of a character, or cannot be stored, is told when it is whole, and else not at all', () => {
  const turn = newRunningTurn();
  for (const piece of ['a\uD83D', '\uDE00\0', '\0', '\uDE00']) turn.write(piece);
  expect(turn.text).toBe('a😀\uFFFD');
  expect([turn.deltaChars, turn.feed.length]).toEqual([[1, 2, 1], 3]);
});

test('what each call of the model took counts', () => {
  const turn = newRunningTurn();
  for (let step = 0; step < 2; step++) turn.addUsage({ prompt_tokens: 90, completion_tokens: 10 });
  expect(turn.usage).toEqual({ prompt_tokens: 180, completion_tokens: 20 });
});

test('pieces that turned out not to be stored are to be stored again, and what was not sent yet counts for sent no more than before', () => {
  const turn = newRunningTurn();
  for (const piece of ['ab', 'c', 'd']) turn.write(piece);
  turn.saved = { events: 2, pieces: 2, chars: 3 };
  turn.resumeSaving(1);
  expect(turn.saved).toEqual({ events: 2, pieces: 1, chars: 2 });
});

test.each([
  ['completed', 'complete'],
  ['stopped', 'incomplete'],
] as const)('a turn that %s has ended, with a message that is %s', async (how, status) => {
  const turn = newRunningTurn();
  turn.complete(2, { seq: 2, endedAt: new Date(), version: 3 }, how);
  expect(await turn.result).toMatchObject({ message: { status }, version: 3 });
  expect(turn.hasEnded).toBe(true);
});

test('a turn that failed has ended', async () => {
  const turn = newRunningTurn();
  turn.fail(chatErrors.raise.turn_lost());
  await expect(turn.result).rejects.toMatchObject({ code: 'chat.turn_lost' });
  expect(turn.hasEnded).toBe(true);
});
