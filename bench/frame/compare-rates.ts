import type { LoadResult } from '../load/plan.ts';
import { describeErrors } from './describe-errors.ts';
import type { Measurement } from './measurement.ts';

/** Holds how many good answers a second we gave, in some rounds, against the baseline's: at least `limit` times as many. */
export function compareRates(
  [ours = [], baseline = []]: readonly LoadResult[][],
  { name, unit = 'requests/s', limit }: { name: string; unit?: string; limit: number },
): Measurement {
  return {
    name,
    unit,
    ours: ours.map((result) => result.answersPerSecond),
    baseline: baseline.map((result) => result.answersPerSecond),
    bound: { of: 'ratio', sense: 'at least', limit },
    ...describeErrors([...ours, ...baseline]),
  };
}
