import { Type } from 'typebox';
import { expect, test } from 'vitest';
import { suitGenerators } from './suit-generators.ts';

test('an integer that 32 bits may not hold is said to take 64, wherever it is, and nothing else is', () => {
  const [small, large] = [Type.Integer({ maximum: 2 ** 31 - 1 }), Type.Integer({ maximum: 2 ** 31 })];
  const optional = { type: ['integer', 'null'] };
  const fields = { small, large, open: Type.Integer(), share: Type.Number(), type: Type.String(), optional };
  const example = { type: 'integer' };
  expect(suitGenerators({ oneOf: [Type.Object(fields)], example })).toEqual({
    oneOf: [
      Type.Object({
        ...fields,
        large: { ...large, format: 'int64' },
        open: { type: 'integer', format: 'int64' },
        optional: { ...optional, format: 'int64' },
      }),
    ],
    example,
  });
});

test('a boolean has no list of its values, and a word has', () => {
  const word = { type: 'string', enum: ['a'] };
  const properties = { deleted: { type: 'boolean', enum: [true] }, word };
  expect(suitGenerators({ properties })).toEqual({ properties: { deleted: { type: 'boolean' }, word } });
});
