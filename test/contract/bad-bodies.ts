import { gzipSync } from 'node:zlib';
import { CANARY, type JsonSchema, wrongValues } from './schema-faults.ts';

/** A body that must be refused. */
export interface BadBody {
  readonly name: string;
  readonly payload: string | Buffer;
  readonly headers?: Readonly<Record<string, string>>;
  /** The only status that will do; any 4xx when absent. */
  readonly status?: number;
  /** The field that must be named; a field within it will do too. */
  readonly param?: string;
}

const json = (value: unknown): string => JSON.stringify(value);

/** Fields that a caller may never set, where a route does not document them. */
const FORBIDDEN_FIELDS = ['user_id', 'role', 'credits', 'created_at', 'cost', 'id', 'unknown_field'];

/** Bodies that are wrong for every route, whatever its schema. */
export function malformedBodies(bodyLimitBytes: number): BadBody[] {
  const notObjects = ['null', '[]', '[{}]', json(CANARY), '1', 'true'].map((payload) => ({
    name: `${payload} in place of an object`,
    payload,
    status: 400,
    param: 'body',
  }));
  const bodies: BadBody[] = [
    ...notObjects,
    { name: 'nothing', payload: '', status: 400 },
    { name: 'truncated JSON', payload: `{"a":"${CANARY}`, status: 400, param: 'body' },
    { name: 'text after the JSON', payload: `{} ${CANARY}`, status: 400, param: 'body' },
    { name: 'invalid UTF-8', payload: Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]), status: 400 },
    { name: 'a NUL byte', payload: '{"a":"\0"}', status: 400 },
    { name: 'NaN', payload: '{"a":NaN}', status: 400 },
    { name: 'Infinity', payload: '{"a":-Infinity}', status: 400 },
    { name: '__proto__', payload: `{"__proto__":{"x":"${CANARY}"}}`, status: 400, param: '__proto__' },
    { name: 'constructor.prototype', payload: '{"constructor":{"prototype":{}}}', status: 400, param: 'constructor' },
    { name: 'nesting of 10,000', payload: `{"a":${'['.repeat(10_000)}${']'.repeat(10_000)}}` },
    { name: '100,001 items', payload: `{"a":[${'0,'.repeat(100_000)}0]}`, param: 'a' },
    { name: '2^53 + 1', payload: '{"a":9007199254740993}', status: 400, param: 'a' },
    { name: '1e400', payload: '{"a":1e400}', status: 400, param: 'a' },
    { name: 'minus zero', payload: '{"a":-0}', status: 400, param: 'a' },
    { name: 'a byte over the limit', payload: `{"a":"${'x'.repeat(bodyLimitBytes - 7)}"}` },
    { name: 'a string of 10 MB', payload: json({ a: 'x'.repeat(10_000_000) }) },
    ...wrongKinds(),
  ];
  const isTooLong = ({ payload }: BadBody) => Buffer.byteLength(payload) > bodyLimitBytes;
  return bodies.map((bad) => (isTooLong(bad) ? { name: bad.name, payload: bad.payload, status: 413 } : bad));
}

function wrongKinds(): BadBody[] {
  const kinds = [
    'text/plain',
    'application/x-www-form-urlencoded',
    'multipart/form-data; boundary=x',
    'application/xml',
  ];
  const charsets = ['utf-16', 'latin1', 'utf-7'].map((charset) => `application/json; charset=${charset}`);
  const bomb = gzipSync(Buffer.alloc(10_000_000, 0x20));
  return [
    ...[...kinds, ...charsets].map((type) => ({
      name: `the content type ${type}`,
      payload: '{}',
      headers: { 'content-type': type },
      status: 415,
    })),
    { name: 'a gzip bomb', payload: bomb, headers: { 'content-encoding': 'gzip' }, status: 415 },
  ];
}

function wrongFields(schema: JsonSchema, valid: Record<string, unknown>): BadBody[] {
  return Object.entries(schema.properties ?? {}).flatMap(([field, part]) => {
    const wrong = wrongValues(part).map(({ name, value }) => ({
      name: `${field}: ${name}`,
      payload: json({ ...valid, [field]: value }),
      status: 400,
      param: field,
    }));
    const texts = ['a\\u0000b', '\\ud800', '\\udc00x'].map((text) => ({
      name: `${field}: the text ${text}`,
      payload: json({ ...valid, [field]: 'TEXT' }).replace('"TEXT"', `"${text}"`),
      status: 400,
      param: field,
    }));
    return [...wrong, ...texts];
  });
}

/** Bodies that are wrong by a route's own schema, each in one field of a body that is else valid. */
export function bodiesAgainst(schema: JsonSchema, valid: Record<string, unknown>): BadBody[] {
  const known = schema.properties ?? {};
  const unknown = FORBIDDEN_FIELDS.filter((field) => !(field in known) && schema.additionalProperties === false);
  const missing = (schema.required ?? []).filter(
    (field) => (known[field] as { default?: unknown })?.default === undefined,
  );
  return [
    ...unknown.map((field) => ({
      name: `the unknown field ${field}`,
      payload: json({ ...valid, [field]: CANARY }),
      status: 400,
      param: field,
    })),
    ...missing.map((field) => ({
      name: `no ${field}`,
      payload: json({ ...valid, [field]: undefined }),
      status: 400,
      param: field,
    })),
    ...wrongFields(schema, valid),
  ];
}
