import { Counter, Gauge, type Registry } from 'prom-client';

/** One value, with its labels where the metric has any. */
export type Sample = readonly [value: number, labels?: Readonly<Record<string, string>>];

/** Finds the values of the moment. Must not fail, and not take long. */
export type ReadSamples = () => readonly Sample[] | Promise<readonly Sample[]>;

/** A metric whose values somebody else keeps. */
export interface ReadMetric {
  readonly type: 'gauge' | 'counter';
  readonly name: string;
  readonly help: string;
  readonly labelNames?: readonly string[];
}

/**
 * Adds a metric that is read when metrics are asked for and costs nothing else. Answers how to say where to read it; until
 * then it has no samples.
 */
export function readAtScrape(registry: Registry, metric: ReadMetric): (read: ReadSamples) => void {
  let read: ReadSamples = () => [];
  const { type, name, help, labelNames = [] } = metric;
  const options = { name, help, labelNames, registers: [registry] };
  const made = type === 'gauge' ? new Gauge(options) : new Counter(options);
  // prom-client calls it before each reading.
  Object.assign(made, {
    collect: async () => {
      const samples = await read();
      made.reset();
      // One without labels is 0 by now, although nobody may have said so.
      made.remove({});
      for (const [value, labels = {}] of samples) made.inc(labels, value);
    },
  });
  return (source) => {
    read = source;
  };
}
