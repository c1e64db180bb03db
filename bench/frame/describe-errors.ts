import type { LoadResult } from '../load/plan.ts';

/** What went wrong in some rounds, for the reader of the table; nothing when nothing did. */
export function describeErrors(results: readonly Pick<LoadResult, 'errors'>[]): { note?: string } {
  const counts = new Map<string, number>();
  for (const { errors } of results) {
    for (const [what, count] of Object.entries(errors)) counts.set(what, (counts.get(what) ?? 0) + count);
  }
  if (counts.size === 0) return {};
  return { note: [...counts].map(([what, count]) => `${what}: ${count}`).join(', ') };
}

/** How many requests went wrong. */
export function countErrors({ errors }: Pick<LoadResult, 'errors'>): number {
  return Object.values(errors).reduce((sum, count) => sum + count, 0);
}
