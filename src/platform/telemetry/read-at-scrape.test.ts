import { Registry } from 'prom-client';
import { expect, test } from 'vitest';
import { readAtScrape, type Sample } from './read-at-scrape.ts';

const samplesOf = async (registry: Registry): Promise<string[]> =>
  (await registry.metrics()).split('\n').filter((line) => line !== '' && !line.startsWith('#'));

test.each(['gauge', 'counter'] as const)('a %s has the values of the moment, and those alone', async (type) => {
  const registry = new Registry();
  let values: Sample[] = [
    [3, { part: 'a' }],
    [0, { part: 'b' }],
  ];
  readAtScrape(registry, { type, name: 'things', help: 'Things.', labelNames: ['part'] })(() => values);
  expect(await samplesOf(registry)).toEqual(['things{part="a"} 3', 'things{part="b"} 0']);
  values = [[5, { part: 'b' }]];
  expect(await samplesOf(registry)).toEqual(['things{part="b"} 5']);
});

test.each([[['part']], [[]]])(
  'a metric that nobody keeps yet is there without values, its labels %j',
  async (labelNames) => {
    const registry = new Registry();
    readAtScrape(registry, { type: 'gauge', name: 'things', help: 'Things.', labelNames });
    expect(await registry.metrics()).toContain('# TYPE things gauge');
    expect(await samplesOf(registry)).toEqual([]);
  },
);
