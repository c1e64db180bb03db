import { Type } from 'typebox';
import { expect, it } from 'vitest';
import { createSerializerCompiler } from './serializer.ts';

const route = { method: 'GET', url: '/notes' };

it('a schema of several routes is compiled once, and each schema writes what it names', () => {
  const compile = createSerializerCompiler();
  const note = Type.Object({ id: Type.String() });
  const tag = Type.Object({ name: Type.String() });
  const writeNote = compile({ ...route, schema: note });
  expect(compile({ ...route, method: 'HEAD', schema: note })).toBe(writeNote);
  expect(writeNote({ id: '1', name: 'a' })).toBe('{"id":"1"}');
  expect(compile({ ...route, schema: tag })({ id: '1', name: 'a' })).toBe('{"name":"a"}');
});
