import { performance } from 'node:perf_hooks';
import { Registry } from 'prom-client';
import { expect, onTestFinished, test, vi } from 'vitest';
import { sampleOf } from '../../../test/harness/sample-of.ts';
import { createProcessMetrics } from './process-metrics.ts';

test('how busy the event loop was counts from the last reading', async () => {
  let total = { idle: 600, active: 200, utilization: 0.25 };
  const look = vi.spyOn(performance, 'eventLoopUtilization').mockImplementation((now = total, last = undefined) => {
    const idle = now.idle - (last?.idle ?? 0);
    const active = now.active - (last?.active ?? 0);
    return { idle, active, utilization: active / (idle + active) };
  });
  onTestFinished(() => look.mockRestore());
  const registry = new Registry();
  createProcessMetrics(registry);
  const read = async () => sampleOf(await registry.metrics(), 'evenkeel_event_loop_utilisation_ratio');
  total = { ...total, idle: 625, active: 275 };
  expect(await read()).toBe(0.75);
  total = { ...total, idle: 700, active: 300 };
  expect(await read()).toBe(0.25);
});
