import { Type } from 'typebox';
import { describe, expect, it } from 'vitest';
import { fits, listFaults } from './schema-faults.ts';
import { createStrictAjv } from './strict-ajv.ts';

describe('a schema with a mistake', () => {
  it.each([
    ['a keyword that there is not', { type: 'string', minLenght: 1 }],
    ['a keyword of the wrong type', { type: 'string', minLength: 'one' }],
    ['a type that there is not', { type: 'text' }],
    ['a format that there is not', { type: 'string', format: 'uid' }],
    ['a pattern that is none', { type: 'string', pattern: '[' }],
    ['a field that is no schema', { type: 'object', properties: { name: 'string' } }],
    ['required fields that are no list', { type: 'object', required: 'name' }],
  ])('is refused when it is compiled: %s', (_name, schema) => {
    expect(() => createStrictAjv().compile(schema)).toThrow();
  });
});

describe('a value', () => {
  const Person = Type.Object(
    { id: Type.String({ format: 'uuid' }), name: Type.Optional(Type.String({ default: 'nobody' })) },
    { additionalProperties: false },
  );

  it('fits its schema or does not, and stays as it is', () => {
    const person = { id: '0198f6a0-0000-7000-8000-000000000000' };
    expect(fits(Person, person)).toBe(true);
    expect(fits(Person, person)).toBe(true);
    expect(person).toEqual({ id: person.id });
    for (const other of [{ id: 'x' }, { ...person, age: 7 }, [], null, undefined])
      expect(fits(Person, other)).toBe(false);
  });

  it('is told all that is wrong with it, by place', () => {
    const List = Type.Object({
      people: Type.Array(Person),
      kind: Type.Unsafe<string>({ enum: ['a', 'b'] }),
      names: Type.Unsafe<object>({
        type: 'object',
        propertyNames: { pattern: '^[a-z]+$', description: 'in lower case' },
      }),
    });
    const content = { people: [{ id: 1 }, { 'a/b': 1 }], kind: 'c', names: { A: 1 } };
    expect(listFaults(List, content)).toEqual([
      'people[0].id: must be string',
      'people[1].id: is missing',
      'people[1].a/b: there is no such field',
      'kind: must be one of a, b',
      'names.A: must be in lower case',
    ]);
    expect(listFaults(List, null)).toEqual(['the file: must be object']);
    expect(listFaults(List, { people: [], kind: 'a', names: {} })).toEqual([]);
  });
});
