import { expect, test } from 'vitest';
import { Assistants } from './assistants.ts';

test('a tool whose input is no schema stops the start, by its name', () => {
  const parameters = { type: 'object', properties: { at: { type: 'string', format: 'o-clock' } } };
  const tool = { name: 'odd_ring', description: 'Rings.', parameters, writes: false, run: async () => null };
  const odd = { name: 'odd', description: 'Odd.', instructions: '', tools: [tool] };
  expect(() => new Assistants([odd])).toThrow('The input of the tool odd_ring is no schema: unknown format "o-clock"');
});
