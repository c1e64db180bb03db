import { expect, it } from 'vitest';
import type { ToolCallDelta } from './completion.ts';
import { ToolCallNumbers } from './tool-call-numbers.ts';

function number(deltas: ToolCallDelta[]): ToolCallDelta[] {
  const numbers = new ToolCallNumbers();
  for (const delta of deltas) numbers.number(delta);
  return deltas;
}

const indicesOf = (deltas: ToolCallDelta[]) => number(deltas).map(({ index }) => index);

it('leaves interleaved tool calls the index that they have, an absurd one too', () => {
  const absurd = 2 ** 40;
  const indices = indicesOf([
    { index: absurd, id: 'a', function: { name: 'add', arguments: '' } },
    { index: 1, id: 'b', function: { name: 'list', arguments: '{' } },
    { index: absurd, function: { arguments: '{}' } },
    { index: 1, function: { arguments: '}' } },
  ]);
  expect(indices).toEqual([absurd, 1, absurd, 1]);
});

it('tells tool calls without an index apart by their ids', () => {
  const indices = indicesOf([
    { id: 'a', type: 'function', function: { name: 'add', arguments: '{}' } },
    { id: 'b', type: 'function', function: { name: 'add', arguments: '{' } },
    { function: { arguments: '}' } },
  ]);
  expect(indices).toEqual([0, 1, 1]);
});

it('puts tool calls without an index together by ids that come again', () => {
  const indices = indicesOf([
    { id: 'a', function: { name: 'add', arguments: '{' } },
    { id: 'b', function: { name: 'add', arguments: '{' } },
    { id: 'a', function: { arguments: '"x":1}' } },
    { id: 'b', function: { arguments: '"x":' } },
    { function: { arguments: '2}' } },
    { id: 'c', function: { name: 'list', arguments: '{}' } },
  ]);
  expect(indices).toEqual([0, 1, 0, 1, 1, 2]);
});

it('tells tool calls that share an index apart by their ids', () => {
  const indices = indicesOf([
    { index: 0, id: 'a', function: { name: 'todo_add', arguments: '{"title":"milk"}' } },
    { index: 0, id: 'b', function: { name: 'todo_add', arguments: '{"title":' } },
    { index: 0, function: { arguments: '"eggs"}' } },
    { index: 1, id: 'c', function: { name: 'todo_list', arguments: '{}' } },
  ]);
  expect(indices).toEqual([0, 1, 1, 2]);
});

it('puts a tool call together whose id is another in each piece', () => {
  const indices = indicesOf([
    { index: 0, id: 'a', function: { name: 'add', arguments: '{' } },
    { index: 0, id: 'b', function: { name: '', arguments: '"x":1' } },
    { index: 0, id: 'c', function: { arguments: '}' } },
  ]);
  expect(indices).toEqual([0, 0, 0]);
});

it('puts a tool call together whose id comes with a later piece', () => {
  const indices = indicesOf([
    { index: 0, function: { name: 'add', arguments: '' } },
    { index: 0, id: 'a', function: { name: 'add', arguments: '{}' } },
  ]);
  expect(indices).toEqual([0, 0]);
});

it('says with the first piece of a call what kind it is', () => {
  const deltas = [
    { id: 'a', function: { name: 'add', arguments: '{' } },
    { function: { arguments: '}' } },
    { id: 'b', custom: { name: 'shell', input: 'ls' } },
  ];
  expect(number(deltas).map(({ type }) => type)).toEqual(['function', undefined, 'custom']);
});

it('gives a call that begins without an id one, or its client could not send it back', () => {
  const deltas = [
    { index: 0, id: '', function: { name: 'add', arguments: '{' } },
    { index: 0, id: '', function: { arguments: '}' } },
    { index: 1, custom: { name: 'shell', input: 'ls' } },
  ];
  expect(number(deltas).map(({ id }) => id)).toEqual([expect.stringMatching(/./), '', expect.stringMatching(/./)]);
});

it('takes no more calls than can be remembered', () => {
  const numbers = new ToolCallNumbers();
  for (let index = 0; index < 1_000; index++) numbers.number({ index });
  numbers.number({ index: 999 });
  expect(() => numbers.number({ index: 1_000 })).toThrow(expect.objectContaining({ code: 'models.bad_response' }));
});

it('finds the call of a piece without an index among many, in as many pieces as come', () => {
  const numbers = new ToolCallNumbers();
  for (let at = 0; at < 1_000; at++) numbers.number({ id: `call-${at}`, function: { name: 'add', arguments: '' } });
  // To look through all calls for each of them takes minutes.
  let piece: ToolCallDelta = {};
  for (let count = 0; count < 12_000_000; count++) {
    piece = { id: count % 2 === 0 ? 'call-998' : 'call-999' };
    numbers.number(piece);
  }
  expect(piece.index).toBe(999);
});

it('tells calls apart that come at one index, custom ones too, and gives none the index of another', () => {
  const indices = indicesOf([
    { index: 1, id: 'a', function: { name: 'add', arguments: '{}' } },
    { index: 1, id: 'b', custom: { name: 'shell', input: 'ls' } },
    { index: 1, id: 'c', custom: { name: 'shell', input: 'ps' } },
  ]);
  expect(indices).toEqual([1, 2, 3]);
});
