import { performance } from 'node:perf_hooks';
import { collectDefaultMetrics, type Registry } from 'prom-client';
import { readAtScrape } from './read-at-scrape.ts';

/**
 * Adds what there is to know of the process: prom-client's own `process_*` and `nodejs_*` (CPU, memory, descriptors,
 * garbage collection, the delay of the event loop), and how busy the event loop was since the last look.
 */
export function createProcessMetrics(registry: Registry): void {
  collectDefaultMetrics({ register: registry });
  let last = performance.eventLoopUtilization();
  readAtScrape(registry, {
    type: 'gauge',
    name: 'evenkeel_event_loop_utilisation_ratio',
    help: 'Share of the time since the last reading in which the event loop was busy, 0 to 1.',
  })(() => {
    const now = performance.eventLoopUtilization();
    const { utilization } = performance.eventLoopUtilization(now, last);
    last = now;
    return [[utilization]];
  });
}
