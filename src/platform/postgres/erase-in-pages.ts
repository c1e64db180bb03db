import { AppError } from '../../base/errors.ts';

/**
 * Rows erased by one statement, at first: half a second of work where messages have 200,000 characters. A hundred thousand
 * short ones take a second, and hardly less when ten times as many are erased at once; with fewer at once it is mostly waiting.
 */
const MOST_ROWS = 500;

/** How many times fewer rows the next statement erases after one that took too long. */
const SHRINK_BY = 4;

const tookTooLong = (error: unknown): boolean => error instanceof AppError && error.code === 'postgres.timeout';

/**
 * Erases what may be more than one statement can erase in its time: page after page, until one is not full. After a page that
 * is not erased in its time, which has changed nothing, the pages are smaller: how much work a row is depends on what is in it.
 *
 * @throws AppError `postgres.timeout` when a single row is not erased in its time.
 */
export async function eraseInPages(erasePage: (limit: number) => Promise<readonly unknown[]>): Promise<void> {
  for (let limit = MOST_ROWS; ; ) {
    try {
      if ((await erasePage(limit)).length < limit) return;
    } catch (error) {
      if (!tookTooLong(error) || limit === 1) throw error;
      limit = Math.ceil(limit / SHRINK_BY);
    }
  }
}
