import { expect, test } from 'vitest';
import type { DatabaseContext } from '../database-context.ts';
import { checkClock } from './check-clock.ts';

test.each([
  ['within a second', 900, 1, 'ok', /agrees/],
  ['as far as can be told from afar', 1_040, 100, 'ok', /agrees/],
  ['when it is behind', 3_600_000, 1, 'advice', /^this machine's clock is 3600\.0 s behind/],
  ['when it is ahead', -2_500, 1, 'advice', /^this machine's clock is 2\.5 s ahead of/],
])('the clock is judged %s', async (...[, clockAheadMs, roundTripMs, level, what]) => {
  const [seen, ...others] = await checkClock.run({ link: { clockAheadMs, roundTripMs } } as DatabaseContext);
  expect(others).toEqual([]);
  expect(seen).toMatchObject({ level, what: expect.stringMatching(what) });
});
