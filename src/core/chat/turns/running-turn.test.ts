import { expect, test } from 'vitest';
import { newRunningTurn } from '../../../../test/harness/new-running-turn.ts';

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
