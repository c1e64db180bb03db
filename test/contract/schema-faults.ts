/** A value that a schema must refuse. */
export interface WrongValue {
  readonly name: string;
  readonly value: unknown;
}

/** The parts of a JSON schema that wrong values are made from. */
export interface JsonSchema {
  readonly type?: string | readonly string[];
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly format?: string;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly maxItems?: number;
  readonly items?: JsonSchema;
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: unknown;
  readonly anyOf?: readonly JsonSchema[];
}

const IMPOSSIBLE_TIMES = [
  '2026-02-30T00:00:00Z',
  '2026-13-01T00:00:00Z',
  '2026-01-01',
  '0000-01-01T00:00:00Z',
  // In UTC, of the year 0 and of the year 10000.
  '0001-01-01T00:00:00+01:00',
  '9999-12-31T23:59:59-01:00',
];

/** Stands in every wrong value that can hold text; no answer may repeat it. */
export const CANARY = 'canary-7f3a';

/** The one schema of a union with null; undefined of a union that is more than that. */
function withoutNull(schema: JsonSchema): JsonSchema | undefined {
  if (schema.anyOf !== undefined) {
    const others = schema.anyOf.filter(({ type }) => type !== 'null');
    return others.length === 1 ? others[0] : undefined;
  }
  const types = [schema.type ?? []].flat().filter((type) => type !== 'null');
  return types.length === 1 ? { ...schema, type: types[0] as string } : undefined;
}

function accepts(schema: JsonSchema, type: string): boolean {
  const types = [schema.type ?? []].flat();
  // A schema that names no type takes them all.
  if (schema.anyOf !== undefined) return schema.anyOf.some((branch) => accepts(branch, type));
  return types.length === 0 || types.includes(type) || (type === 'integer' && types.includes('number'));
}

const SAMPLES: readonly (readonly [type: string, value: unknown])[] = [
  ['string', CANARY],
  ['integer', 7],
  ['boolean', true],
  ['array', [CANARY]],
  ['object', { [CANARY]: CANARY }],
  ['null', null],
];

function wrongTexts(schema: JsonSchema): WrongValue[] {
  const { maxLength, minLength = 0, format } = schema;
  const wrong: WrongValue[] = [];
  if (maxLength !== undefined) wrong.push({ name: 'one character too many', value: 'x'.repeat(maxLength + 1) });
  if (minLength > 0) wrong.push({ name: 'one character too few', value: 'x'.repeat(minLength - 1) });
  const first = schema.enum?.find((value) => typeof value === 'string' && value !== value.toUpperCase());
  if (typeof first === 'string') wrong.push({ name: 'the wrong case', value: first.toUpperCase() });
  if (schema.enum !== undefined || format !== undefined) wrong.push({ name: 'another word', value: CANARY });
  if (format === 'date-time') {
    for (const value of IMPOSSIBLE_TIMES) wrong.push({ name: `the time ${value}`, value });
  }
  if (format === 'date') wrong.push({ name: 'an impossible date', value: '2026-02-30' });
  if (format === 'uuid') wrong.push({ name: 'an id without hyphens', value: '0190a0a0000070008000000000abcd00' });
  return wrong;
}

function wrongNumbers({ minimum, maximum, type }: JsonSchema): WrongValue[] {
  const wrong: WrongValue[] = [];
  if (minimum !== undefined) wrong.push({ name: 'one below the minimum', value: minimum - 1 });
  if (maximum !== undefined) wrong.push({ name: 'one above the maximum', value: maximum + 1 });
  if (type === 'integer') wrong.push({ name: 'a fraction', value: Math.max(minimum ?? 0, 0) + 0.5 });
  return wrong;
}

/** Values that a schema must refuse: of every type that it does not take, and just past each of its bounds. */
export function wrongValues(schema: JsonSchema): WrongValue[] {
  const wrong: WrongValue[] = SAMPLES.filter(([type]) => !accepts(schema, type)).map(([type, value]) => ({
    name: `${type} in place of another type`,
    value,
  }));
  const one = withoutNull(schema);
  if (one?.type === 'string') wrong.push(...wrongTexts(one));
  if (one?.type === 'integer' || one?.type === 'number') wrong.push(...wrongNumbers(one));
  if (one?.type === 'array' && one.maxItems !== undefined) {
    wrong.push({ name: 'one item too many', value: Array.from({ length: one.maxItems + 1 }, () => CANARY) });
  }
  return wrong;
}
