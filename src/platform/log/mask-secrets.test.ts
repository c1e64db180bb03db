import { expect, test } from 'vitest';
import { createMask } from './index.ts';

test('a given secret is masked whole after `Bearer`, also where it has what no token has', () => {
  const mask = createMask(['abcdef!ghijkl']);
  expect(mask('sent Bearer abcdef!ghijkl, and Bearer zyxwvu')).toBe('sent Bearer [redacted], and Bearer [redacted]');
});

test('of given secrets that begin alike each is masked whole, in whatever order they are given', () => {
  const secrets = ['abcdefgh1234', 'abcdefgh1234!5678'];
  for (const order of [secrets, secrets.toReversed()]) {
    expect(createMask(order)(secrets.join(' '))).toBe('[redacted] [redacted]');
  }
});

test('what a mail server quotes of a sign-in is masked', () => {
  expect(createMask([])('535 bad: AUTH PLAIN AHVzQGVyAHNlY3JldA==')).toBe('535 bad: AUTH PLAIN [redacted]');
});
