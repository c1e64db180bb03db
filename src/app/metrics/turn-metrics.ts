import { Counter, type Registry } from 'prom-client';
import type { TurnObservation } from '../../core/chat/index.ts';
import { modelErrors } from '../../core/models/index.ts';
import { readAtScrape } from '../../platform/telemetry/index.ts';

/** Adds the metrics of turns. */
export function createTurnMetrics(registry: Registry) {
  const ended = new Counter({
    name: 'evenkeel_turns_ended_total',
    help:
      'Turns that ended: `completed`, `stopped` by their user, `failed` or `interrupted` with the code of the error. One that ' +
      'this server found dead is `interrupted`, also where the server that ran it counts it as failed.',
    labelNames: ['status', 'code'],
    registers: [registry],
  });
  // So that the first failure is seen as a rise.
  for (const status of ['completed', 'stopped']) ended.inc({ status }, 0);
  for (const { code } of modelErrors.catalogue) ended.inc({ status: 'failed', code }, 0);
  const readRunning = readAtScrape(registry, {
    type: 'gauge',
    name: 'evenkeel_turns_running',
    help: 'Turns that run in this process.',
  });
  return {
    observe({ status, code }: TurnObservation): void {
      ended.inc(code === undefined ? { status } : { status, code });
    },
    watch(running: () => number): void {
      readRunning(() => [[running()]]);
    },
  };
}
