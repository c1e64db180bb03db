import { expect, test } from 'vitest';
import { Deadline } from '../../../base/deadline.ts';
import { newId } from '../../../base/ids.ts';
import { RunningTurn } from './running-turn.ts';

test.each([
  ['One moment.', 'One moment.\n\nDone.'],
  ['One moment.\n', 'One moment.\nDone.'],
  ['', 'Done.'],
])('what is written after a round of calls begins a paragraph of its own: after %j, %j', (before, text) => {
  const ids = { userId: newId(), sessionId: newId(), turnId: newId(), messageId: newId(), requestId: newId() };
  const turn = new RunningTurn({ ...ids, model: 'm' }, Deadline.after(1_000), 0);
  turn.write(before);
  turn.beginCalls([]);
  turn.write('Done.');
  expect(turn.text).toBe(text);
});
