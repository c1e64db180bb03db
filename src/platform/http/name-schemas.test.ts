import { Type } from 'typebox';
import { expect, test } from 'vitest';
import { type NamedSchemas, nameSchemas } from './name-schemas.ts';

const Thing = Type.Object({ title: Type.String() }, { title: 'Thing' });
const ref = { $ref: '#/components/schemas/Thing' };

test('a schema with a title is a component of that name, wherever it is', () => {
  const named: NamedSchemas = {};
  const all = Type.Object({ first: Type.Optional(Thing), others: Type.Array(Thing) });
  expect(nameSchemas(all, named, '')).toMatchObject({ properties: { first: ref, others: { items: ref } } });
  expect(nameSchemas({ content: { json: { schema: Thing } } }, named, '')).toEqual({
    content: { json: { schema: ref } },
  });
  expect(named).toEqual({ Thing: { type: 'object', required: ['title'], properties: { title: { type: 'string' } } } });
});

test('a component refers to those within it', () => {
  const named: NamedSchemas = {};
  nameSchemas(Type.Object({ things: Type.Array(Thing) }, { title: 'Box' }), named, '');
  expect(named.Box).toMatchObject({ properties: { things: { items: ref } } });
});

test('titles of values are not names', () => {
  const part = {
    schema: { type: 'object', examples: [{ title: 'Milk' }], default: { title: 'Milk' } },
    example: { title: 'Milk' },
  };
  expect(nameSchemas(part, {}, '')).toEqual(part);
});

test('a name that is taken by another schema, or cannot be one, is refused', () => {
  const named: NamedSchemas = {};
  nameSchemas(Thing, named, 'GET /things');
  expect(() => nameSchemas({ ...Thing }, named, 'GET /more')).not.toThrow();
  const other = Type.Object({ name: Type.String() }, { title: 'Thing' });
  expect(() => nameSchemas(other, named, 'GET /others')).toThrow('GET /others: another schema is called Thing already');
  const text = Type.String({ title: 'a text' });
  expect(() => nameSchemas(text, named, 'GET /texts')).toThrow('GET /texts: the title of a schema is its name');
});
