import { Counter, type Registry } from 'prom-client';
import { readAtScrape, type Sample } from '../../platform/telemetry/index.ts';

/** Parts with whether they are left alone at the moment. */
type Parts = Readonly<Record<string, () => boolean>>;

/** Adds the metrics of circuit breakers. */
export function createBreakerMetrics(registry: Registry) {
  const changes = new Counter({
    name: 'evenkeel_breaker_changes_total',
    help: 'Changes of a circuit breaker, by the state that it came to.',
    labelNames: ['part', 'state'],
    registers: [registry],
  });
  const readOpen = readAtScrape(registry, {
    type: 'gauge',
    name: 'evenkeel_breaker_open',
    help: '1 while a part does not answer and is left alone, else 0.',
    labelNames: ['part'],
  });
  return {
    observe(part: string, state: string): void {
      changes.inc({ part, state });
    },
    watch(parts: Parts): void {
      readOpen(() => Object.entries(parts).map(([part, isOpen]): Sample => [isOpen() ? 1 : 0, { part }]));
    },
  };
}
