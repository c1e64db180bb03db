import { expect, test } from 'vitest';
import type { AppError } from '../../base/errors.ts';
import { postgresErrors } from './errors.ts';
import { inPages } from './in-pages.ts';

/** Has so many rows erased, of which one statement has time for so many; answers how many each statement was to erase. */
async function erase(rows: number, most: number, error: AppError = postgresErrors.raise.timeout()) {
  const asked: number[] = [];
  let left = rows;
  const ended = inPages(async (limit) => {
    asked.push(limit);
    const erased = Math.min(limit, left);
    if (erased > most) throw error;
    left -= erased;
    return Array(erased).fill({});
  });
  return { asked, left: await ended.then(() => left) };
}

test('pages get smaller where one takes too long, down to one row', async () => {
  expect(await erase(4, 1)).toEqual({ asked: [500, 125, 32, 8, 2, 1, 1, 1, 1, 1], left: 0 });
});

test('pages stay as small as they had to be', async () => {
  const { asked, left } = await erase(700, 200);
  expect(asked).toEqual([500, 125, 125, 125, 125, 125, 125]);
  expect(left).toBe(0);
});

test('a row that is not erased in its time fails, and so does at once what is no matter of time', async () => {
  await expect(erase(1, 0)).rejects.toMatchObject({ code: 'postgres.timeout' });
  await expect(erase(600, 200, postgresErrors.raise.unavailable())).rejects.toMatchObject({
    code: 'postgres.unavailable',
  });
});
