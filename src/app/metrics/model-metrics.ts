import { Counter, Histogram, type Registry } from 'prom-client';
import type { ObservedCall, TargetHealth } from '../../core/models/index.ts';
import { readAtScrape, type Sample } from '../../platform/telemetry/index.ts';

/** From the offline model to the longest that an answer may take by default. */
const buckets = [0.01, 0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10, 30, 60, 120, 300];

/** Adds the metrics of models and of the targets that serve them, by the names that the operator gave them. */
export function createModelMetrics(registry: Registry) {
  const labelNames = ['model', 'target'];
  const registers = [registry];
  const seconds = new Histogram({
    name: 'evenkeel_model_call_duration_seconds',
    help: 'Time of a request to a target until the end of its answer; the outcome is `ok`, `cancelled` or the code of an error.',
    labelNames: [...labelNames, 'outcome'],
    buckets,
    registers,
  });
  const firstByte = new Histogram({
    name: 'evenkeel_model_first_byte_seconds',
    help: 'Time until the first part of a streamed answer.',
    labelNames,
    buckets,
    registers,
  });
  const tokens = new Counter({
    name: 'evenkeel_model_tokens_total',
    help: 'Tokens as the provider counted them; the kind is `prompt` or `completion`.',
    labelNames: [...labelNames, 'kind'],
    registers,
  });
  const readOpen = readAtScrape(registry, {
    type: 'gauge',
    name: 'evenkeel_model_target_open',
    help: '1 while a target does not answer and is left alone, else 0.',
    labelNames,
  });
  return {
    observe(call: ObservedCall): void {
      const { model, target, outcome, durationMs, firstByteMs, promptTokens = 0, completionTokens = 0 } = call;
      seconds.observe({ model, target, outcome }, durationMs / 1000);
      if (firstByteMs !== undefined) firstByte.observe({ model, target }, firstByteMs / 1000);
      tokens.inc({ model, target, kind: 'prompt' }, promptTokens);
      tokens.inc({ model, target, kind: 'completion' }, completionTokens);
    },
    watch(read: () => readonly TargetHealth[]): void {
      readOpen(() => read().map(({ model, target, state }): Sample => [state === 'closed' ? 0 : 1, { model, target }]));
    },
  };
}
