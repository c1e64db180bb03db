import type { ErrorObject } from 'ajv/dist/2020.js';
import type { AppError } from '../../base/errors.ts';
import { messageOf, toPath } from '../../base/schema-faults.ts';
import { httpErrors } from './errors.ts';

/** A field's path is part of the answer; a client that names its fields with novels gets the beginning back. */
const MAX_PATH_CHARS = 200;

const FORMATS: Readonly<Record<string, string>> = {
  uuid: 'an id: a UUID',
  date: 'a date that exists, such as 2026-02-28',
  'date-time': 'a time in RFC 3339 that exists, such as 2026-02-28T12:00:00Z',
  email: 'an e-mail address',
  network: 'an IP address or a network, such as 192.0.2.7 or 2001:db8::/32',
};

const TYPES: Readonly<Record<string, string>> = {
  string: 'a string',
  integer: 'an integer',
  number: 'a number',
  boolean: 'true or false',
  object: 'an object',
  array: 'a list',
};

/** A field at fault, and what is wrong with it in a sentence. */
export interface FieldFault {
  readonly param: string;
  readonly problem: string;
}

/** The refusal of a field: `http.invalid_request`. */
export function invalidField({ param, problem }: FieldFault): AppError {
  return httpErrors.raise.invalid_request({ problem }, { param });
}

/**
 * The field at fault and what is wrong with it, as the rest of a sentence that begins with its name: many clients show their
 * users nothing but the message.
 */
export function nameField(path: string, wrong: string): FieldFault {
  const param = path.slice(0, MAX_PATH_CHARS);
  return { param, problem: `\`${param}\` ${wrong}.` };
}

function join(path: string, field: string): string {
  return path === '' ? field : `${path}.${field}`;
}

function list(words: readonly unknown[]): string {
  const shown = words.slice(0, 30).map((word) => JSON.stringify(word));
  return shown.length > 1 ? `one of ${shown.join(', ')}` : (shown[0] ?? '');
}

/** What a value that failed had to be, as an end of the sentence "it must be …". */
function expected(error: ErrorObject): string {
  const { keyword, params } = error;
  if (keyword === 'type') {
    const types = [params.type as string | string[]].flat();
    return types.map((type) => TYPES[type] ?? type).join(' or ');
  }
  if (keyword === 'format') return FORMATS[params.format as string] ?? `a ${params.format}`;
  if (keyword === 'enum') return list(params.allowedValues as unknown[]);
  if (keyword === 'const') return list([params.allowedValue]);
  return '';
}

/** Of the branches of a union that all failed at the same place: what each had to be. */
function expectedOfAll(errors: readonly ErrorObject[]): string {
  const literals = errors.filter(({ keyword }) => keyword === 'const').map(({ params }) => params.allowedValue);
  const others = errors.filter(({ keyword }) => keyword !== 'const').map(expected);
  const all = [literals.length > 0 ? list(literals) : '', ...others].filter((text) => text !== '');
  return [...new Set(all)].join(' or ');
}

/** Keywords that only repeat that something inside them failed. */
const WRAPPERS = new Set(['anyOf', 'oneOf', 'allOf', 'if', 'propertyNames']);

/** The error that says most: the one deepest in the value, which is furthest into the branch that was meant. */
function pickDeepest(errors: readonly ErrorObject[]): ErrorObject | undefined {
  const depth = (error: ErrorObject): number =>
    error.instancePath.split('/').length +
    (error.keyword === 'required' || error.keyword === 'additionalProperties' ? 1 : 0);
  const inner = errors.filter(({ keyword }) => !WRAPPERS.has(keyword));
  return inner.reduce<ErrorObject | undefined>(
    (best, error) => (best === undefined || depth(error) > depth(best) ? error : best),
    undefined,
  );
}

/** A pattern that asks for anything but blanks. */
const NOT_BLANK = String.raw`\S`;

/** What regular expressions say to people says nothing; the description of a field that has one tells its rule. */
function describeRule(error: ErrorObject): string | undefined {
  const { keyword, params, parentSchema } = error;
  if (keyword !== 'pattern') return messageOf(error);
  if (params.pattern === NOT_BLANK) return 'must not be blank';
  const description = parentSchema?.description as string | undefined;
  return description === undefined ? messageOf(error) : `must be as described: ${description.replace(/\.$/, '')}`;
}

/** The path of the field at fault, and what is wrong with it, as the rest of a sentence that begins with its name. */
function describeOne(error: ErrorObject, siblings: readonly ErrorObject[]): { path: string; wrong: string } {
  const path = toPath(error.instancePath);
  const { keyword, params } = error;
  if (keyword === 'required') {
    return { path: join(path, params.missingProperty as string), wrong: 'is required' };
  }
  if (keyword === 'additionalProperties' || keyword === 'unevaluatedProperties') {
    const field = (params.additionalProperty ?? params.unevaluatedProperty) as string;
    return { path: join(path, field), wrong: 'is unknown here; check its name' };
  }
  // In a union, a branch that fails by more than its type or literal is the one that was meant.
  const meant = siblings.find((sibling) => sibling.keyword !== 'type' && sibling.keyword !== 'const');
  const wanted = meant === undefined ? expectedOfAll(siblings.length > 1 ? siblings : [error]) : expected(meant);
  // Ajv's own texts name bounds and counts of the schema, never the value.
  return { path, wrong: wanted === '' ? `${describeRule(meant ?? error)}` : `must be ${wanted}` };
}

/** The field at fault and what was expected of it, from Ajv's `verbose` errors of one part of a request. */
export function describeFault(errors: readonly ErrorObject[], part: string): FieldFault {
  const error = pickDeepest(errors);
  if (error === undefined) return { param: part, problem: 'This part of the request has the wrong form.' };
  const isUnion = errors.some(({ keyword }) => keyword === 'anyOf' || keyword === 'oneOf');
  const siblings = isUnion
    ? errors.filter((other) => other.instancePath === error.instancePath && !WRAPPERS.has(other.keyword))
    : [];
  const { path, wrong } = describeOne(error, siblings);
  return nameField(path === '' ? part : path, wrong);
}
