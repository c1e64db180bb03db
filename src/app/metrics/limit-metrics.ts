import { Counter, type Registry } from 'prom-client';

/** The windows of a plan, and its tokens a month. */
const limits = ['minute', 'hour', 'day', 'tokens'];

/** Adds the metrics of plans' limits. What is let through is not counted here: requests are, by route and status. */
export function createLimitMetrics(registry: Registry) {
  const refusals = new Counter({
    name: 'evenkeel_limit_refusals_total',
    help: 'Requests, frames and calls of models that a limit of the plan refused: the requests of a window, or the tokens.',
    labelNames: ['limit'],
    registers: [registry],
  });
  // So that the first refusal is seen as a rise.
  for (const limit of limits) refusals.inc({ limit }, 0);
  return {
    onRefused(limit: string): void {
      refusals.inc({ limit });
    },
  };
}
