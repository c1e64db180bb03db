import { Counter, type Registry } from 'prom-client';

/** The windows of a plan, its tokens a month, and its calls of models at once. */
const limits = ['minute', 'hour', 'day', 'tokens', 'model_calls'];

/** Adds the metrics of plans' limits. What is let through is not counted here: requests are, by route and status. */
export function createLimitMetrics(registry: Registry) {
  const refusals = new Counter({
    name: 'evenkeel_limit_refusals_total',
    help: 'Requests, frames and calls of models that a limit of the plan refused: the requests of a window, the tokens, or the calls of models at once.',
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
