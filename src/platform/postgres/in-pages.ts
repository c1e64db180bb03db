import { AppError } from '../../base/errors.ts';

/**
 * Rows of the first statement: half a second of work where messages of 200,000 characters are erased. A hundred thousand short
 * ones take a second, and hardly less with ten times as many in a statement; with fewer it is mostly waiting.
 */
const MOST_ROWS = 500;

/** How many times fewer rows the next statement is for after one that took too long. */
const SHRINK_BY = 4;

const tookTooLong = (error: unknown): boolean => error instanceof AppError && error.code === 'postgres.timeout';

/**
 * Erases or changes what may be more than one statement can in its time: page after page, until one is not full. After a page
 * that is not done in its time, which has changed nothing, the pages are smaller: how much work a row is depends on what is in it.
 *
 * @param changePage Changes at most so many rows that are to be changed, and answers each.
 * @throws AppError `postgres.timeout` when a single row is not done in its time.
 */
export async function inPages(changePage: (limit: number) => Promise<readonly unknown[]>): Promise<void> {
  for (let limit = MOST_ROWS; ; ) {
    try {
      if ((await changePage(limit)).length < limit) return;
    } catch (error) {
      if (!tookTooLong(error) || limit === 1) throw error;
      limit = Math.ceil(limit / SHRINK_BY);
    }
  }
}
