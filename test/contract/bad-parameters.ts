import { hash } from 'node:crypto';
import { CANARY, type JsonSchema, wrongValues } from './schema-faults.ts';

/** A query or a path that must be refused. */
export interface BadUrl {
  readonly name: string;
  readonly url: string;
  /** The parameter that must be named. */
  readonly param?: string;
}

/** Text that strict readers of numbers refuse and lenient ones take. */
const WRONG_NUMBERS = [
  '',
  '5x',
  '%205',
  '5%20',
  '%2B5',
  '0x10',
  '1e400',
  '1e3',
  'NaN',
  'Infinity',
  '-0',
  '9007199254740993',
  'null',
];
const BAD_CURSORS = [
  'a',
  '%00',
  "'%20or%201=1--",
  '%25_',
  'AAAAAAAAAAAAAAAAAAAAAAAA',
  '0190a0a0-0000-7000-8000-00000000abcd',
  // The right check characters before no text, before null, and before a place in the list of keys that is none.
  '47DEQpj8',
  'dCNOmK_nbnVsbA',
  'k3CuuGdJWyJrZXlzIiwieCJd',
];
/** Parts of a place that no list has. */
const WRONG_PARTS: unknown[] = [null, true, {}, ['x'], -1, 1.5, 1e300, 'x\0', Number.MAX_SAFE_INTEGER + 1];
/** Parts that only lists of names have. */
const NAMES = ['', 'x', "'; drop table users; --"];
const BAD_IDS = [
  CANARY,
  '1',
  '-1',
  '0190a0a0000070008000000000abcd00',
  '0190a0a0-0000-7000-8000-00000000abc',
  "1'%20or%20'1'='1",
];

function typesOf(schema: JsonSchema): string[] {
  return [...[schema.type ?? []].flat(), ...(schema.anyOf ?? []).flatMap(typesOf)];
}

function wrongTexts(name: string, schema: JsonSchema): string[] {
  const types = typesOf(schema);
  if (types.includes('array')) return [];
  // In a URL everything is text: only what stays wrong when written as text is a fault.
  const bounds = wrongValues(schema).filter(({ value }) => ['string', 'number'].includes(typeof value));
  const isText = types.includes('string');
  const texts = bounds.filter(({ value }) => !isText || typeof value === 'string').map(({ value }) => String(value));
  const escaped = texts.map(encodeURIComponent);
  if (types.includes('integer') || types.includes('number')) escaped.push(...WRONG_NUMBERS);
  if (types.includes('boolean')) escaped.push('1', 'TRUE', 'yes', '');
  if (name === 'cursor') escaped.push(...BAD_CURSORS, 'x'.repeat(5000));
  return escaped;
}

/** Queries that are wrong by a route's schema, added to a query that is else valid. */
export function queriesAgainst(schema: JsonSchema, path: string, valid: Readonly<Record<string, string>>): BadUrl[] {
  const to = (name: string, pairs: string): BadUrl => {
    const others = Object.entries(valid).filter(([key]) => key !== name);
    const query = [...others.map(([key, value]) => `${key}=${encodeURIComponent(value)}`), pairs].join('&');
    return { name: `?${pairs.slice(0, 80)}`, url: `${path}?${query}`, param: name };
  };
  const faults = Object.entries(schema.properties ?? {}).flatMap(([name, part]) => {
    const wrong = wrongTexts(name, part).map((text) => to(name, `${name}=${text}`));
    const repeated = typesOf(part).includes('array') ? [] : [to(name, `${name}=1&${name}=2`)];
    return [
      ...wrong,
      ...repeated,
      to(name, `${name}=%00`),
      to(name, `${name}=ek_${CANARY}`),
      to(name, `${name}=%ff`),
      to(name, `${name}=%ed%a0%80`),
    ];
  });
  return [
    ...faults,
    to('unknown_key', `unknown_key=${CANARY}`),
    to('user_id', 'user_id=0190a0a0-0000-7000-8000-00000000abcd'),
    to('api_key', `api_key=${CANARY}`),
    to('key', `key=ek_${CANARY}`),
    to('__proto__', '__proto__=1'),
  ];
}

/** Paths in which one parameter of the pattern is wrong. */
export function pathsAgainst(schema: JsonSchema, pattern: string, fill: (pattern: string) => string): BadUrl[] {
  return [...pattern.matchAll(/:(\w+)/g)].flatMap(([, name = '']) => {
    const to = (value: string, param?: string): BadUrl => ({
      name: `${name}=${value}`,
      url: fill(pattern.replace(`:${name}`, value)),
      ...(param === undefined ? {} : { param }),
    });
    const isId = schema.properties?.[name]?.format === 'uuid';
    const ids = isId ? BAD_IDS.map((value) => to(value, name)) : [];
    return [
      ...ids,
      to('a%00b', name),
      to('%ff'),
      to('%'),
      to('x'.repeat(300)),
      to(''),
      to('%2e%2e'),
      to('..'),
      to('%2e%2e%2f%2e%2e'),
    ];
  });
}

/** A cursor that a list has not given, made from one that it has. */
export interface ForgedCursor {
  readonly name: string;
  readonly cursor: string;
  /** Whether a list of names has such a place. */
  readonly isName: boolean;
}

/**
 * Cursors with the right check characters and scope of a list's own one, with places that it has not given: parts are
 * missing, too many or wrong; and its own one in other characters.
 */
export function cursorsLike(own: string): ForgedCursor[] {
  const [scope, ...place] = JSON.parse(Buffer.from(own.slice(8), 'base64url').toString()) as [string, ...unknown[]];
  const forge = (forged: unknown[], isName = false): ForgedCursor => {
    const text = JSON.stringify([scope, ...forged]);
    const check = hash('sha256', text, 'base64url').slice(0, 8);
    return { name: JSON.stringify(forged), cursor: check + Buffer.from(text).toString('base64url'), isName };
  };
  const wrong = place.flatMap((_, index) => [
    ...WRONG_PARTS.map((part) => forge(place.with(index, part))),
    ...NAMES.map((part) => forge(place.with(index, part), true)),
  ]);
  const padded = ['=', '\n'].map((end) => ({
    name: `its own and ${JSON.stringify(end)}`,
    cursor: own + end,
    isName: false,
  }));
  return [forge([]), forge(place.slice(0, -1)), forge([...place, 'x']), ...wrong, ...padded];
}
