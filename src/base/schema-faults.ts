import type { ErrorObject, ValidateFunction } from 'ajv/dist/2020.js';
import type { Static, TSchema } from 'typebox';
import { createStrictAjv } from './strict-ajv.ts';

const compiled = new WeakMap<TSchema, ValidateFunction>();

/** Whether a value is what a schema describes. The schema is compiled the first time that it is used. */
export function fits<Schema extends TSchema>(schema: Schema, value: unknown): value is Static<Schema> {
  let validate = compiled.get(schema);
  if (validate === undefined) {
    validate = createStrictAjv().compile(schema);
    compiled.set(schema, validate);
  }
  return validate(value);
}

/** `/models/0/targets/1` becomes `models[0].targets[1]`. */
export function toPath(pointer: string): string {
  return pointer
    .split('/')
    .slice(1)
    .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'))
    .map((part, index) => (/^\d+$/.test(part) ? `[${part}]` : `${index === 0 ? '' : '.'}${part}`))
    .join('');
}

/** What has a least or a most number of something, and of what. */
const COUNTED: Readonly<Record<string, readonly [bound: string, what: string]>> = {
  minLength: ['at least', 'character'],
  maxLength: ['at most', 'character'],
  minItems: ['at least', 'item'],
  maxItems: ['at most', 'item'],
  minProperties: ['at least', 'field'],
  maxProperties: ['at most', 'field'],
};

/** What Ajv says of a value that failed, without its "must NOT have fewer than 1 items" and "items ## 1 and 0 are identical". */
export function messageOf({ keyword, params, message }: ErrorObject): string | undefined {
  if (keyword === 'uniqueItems') return 'must hold no item twice';
  const counted = COUNTED[keyword];
  if (counted === undefined) return message;
  const [bound, what] = counted;
  return `must have ${bound} ${params.limit} ${what}${params.limit === 1 ? '' : 's'}`;
}

function describe(error: ErrorObject): string {
  const { keyword, instancePath, params, propertyName, parentSchema } = error;
  const field = params.missingProperty ?? params.additionalProperty ?? propertyName;
  const path = [toPath(instancePath), field].filter(Boolean).join('.') || 'the file';
  if (keyword === 'required') return `${path}: is missing`;
  if (keyword === 'additionalProperties') return `${path}: there is no such field`;
  if (keyword === 'enum') return `${path}: must be one of ${params.allowedValues.join(', ')}`;
  const wanted = parentSchema?.description;
  return `${path}: ${wanted === undefined ? messageOf(error) : `must be ${wanted}`}`;
}

/**
 * All that is wrong with what a file of the configuration holds, a line each: `models[0].targets[1].model: is missing`. Where a
 * schema has a description, that completes the sentence "it must be …". Empty when nothing is wrong.
 */
export function listFaults(schema: TSchema, content: unknown): string[] {
  const validate = createStrictAjv({ allErrors: true, verbose: true }).compile(schema);
  if (validate(content)) return [];
  // That some name does not fit follows one that says what is wrong with it.
  const faults = (validate.errors ?? []).filter(({ keyword }) => keyword !== 'propertyNames');
  return [...new Set(faults.map(describe))];
}
