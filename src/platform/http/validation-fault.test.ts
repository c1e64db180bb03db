import type { ErrorObject } from 'ajv/dist/2020.js';
import { type TSchema, Type } from 'typebox';
import { expect, test } from 'vitest';
import { createStrictAjv } from '../../base/strict-ajv.ts';
import { Nullable } from './list.ts';
import { describeFault } from './validation-fault.ts';

const code = { pattern: '^[A-Z]{3}$' };
const DESCRIPTION = 'A code of ISO 4217, such as EUR.';

function problemOf(schema: TSchema, value: unknown): string {
  const validate = createStrictAjv({ verbose: true }).compile(Type.Object({ field: schema }));
  validate({ field: value });
  return describeFault(validate.errors as ErrorObject[], 'body').problem;
}

test.each([
  ['a text', Type.String({ ...code, description: DESCRIPTION })],
  ['a text or null', Nullable(Type.String({ ...code, description: DESCRIPTION }))],
])(
  'the rule of %s whose pattern does not fit is told in its own words, not as a regular expression',
  (_what, schema) => {
    const told = '`field` must be as described: A code of ISO 4217, such as EUR.';
    expect(problemOf(schema, 'canary')).toBe(told);
  },
);

test('what must not be blank is told so, and a rule without words as it is', () => {
  expect(problemOf(Type.String({ pattern: String.raw`\S`, description: DESCRIPTION }), ' ')).toBe(
    '`field` must not be blank.',
  );
  expect(problemOf(Type.String(code), 'canary')).toBe('`field` must match pattern "^[A-Z]{3}$".');
  expect(problemOf(Type.String({ ...code, description: DESCRIPTION }), 7)).toBe('`field` must be a string.');
});

test('what has too much or too little of something is told how much of what it must have', () => {
  expect(problemOf(Type.String({ maxLength: 2 }), 'canary')).toBe('`field` must have at most 2 characters.');
  expect(problemOf(Nullable(Type.String({ minLength: 1 })), '')).toBe('`field` must have at least 1 character.');
  expect(problemOf(Type.Array(Type.Null(), { maxItems: 1 }), [null, null])).toBe('`field` must have at most 1 item.');
  expect(problemOf(Type.Object({}, { minProperties: 1 }), {})).toBe('`field` must have at least 1 field.');
  expect(problemOf(Type.Array(Type.Null(), { uniqueItems: true }), [null, null])).toBe(
    '`field` must hold no item twice.',
  );
});
