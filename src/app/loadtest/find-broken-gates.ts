import type { Gates } from './load-plan.ts';
import type { Stage } from './measurements.ts';

/** What a stage did not keep to, in words; empty when it passed. */
export function findBrokenGates(stage: Stage, { maxErrorRate, p95Ms, minRate }: Gates): string[] {
  const requests = stage.answers + stage.errors;
  const errorRate = requests === 0 ? 1 : stage.errors / requests;
  const broken: string[] = [];
  if (errorRate > maxErrorRate)
    broken.push(`${(errorRate * 100).toFixed(2)}% errors, more than ${(maxErrorRate * 100).toFixed(2)}%`);
  if (stage.p95Ms === null) broken.push('no answers');
  else if (stage.p95Ms > p95Ms) broken.push(`p95 ${Math.round(stage.p95Ms)} ms, more than ${p95Ms} ms`);
  if (stage.answersPerSecond < minRate)
    broken.push(`${Math.round(stage.answersPerSecond)} good answers/s, fewer than ${minRate}`);
  return broken;
}
