import { expect, test } from 'vitest';
import { reasonOf } from './reason-of.ts';

test.each([
  [new Error('refused'), 'refused'],
  // As a name of two addresses, of which neither answers.
  [new AggregateError([new Error('refused at ::1'), new Error('refused at 127.0.0.1')]), 'refused at ::1'],
  [new AggregateError([], 'none of none'), 'none of none'],
  ['a text', 'a text'],
])('the reason of %s is said', (error, reason) => {
  expect(reasonOf(error)).toBe(reason);
});
