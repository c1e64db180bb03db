import { describeError, isError } from './describe-error.ts';
import { MASK } from './mask-secrets.ts';

/** Field names that hold secrets, in lower case without `-` and `_`. */
const SECRET_FIELDS = [
  'authorization',
  'proxyauthorization',
  'xapikey',
  'apikey',
  'modelapikey',
  'key',
  'cookie',
  'setcookie',
  'password',
  'secret',
  'clientsecret',
  'token',
  'accesstoken',
  'refreshtoken',
  'idtoken',
  'privatekey',
  'connectionstring',
  'databaseurl',
  'databasedirecturl',
];

/** Field names that hold what users or models wrote, or SQL with it, in the same spelling. */
const CONTENT_FIELDS = [
  'content',
  'contents',
  'message',
  'messages',
  'prompt',
  'instructions',
  'input',
  'output',
  'text',
  'moodtext',
  'body',
  'rawbody',
  'payload',
  'title',
  'arguments',
  'delta',
  'choices',
  'toolcalls',
  'q',
  'sql',
  'values',
  'parameters',
  'detail',
  'where',
  'email',
  'mail',
  'username',
];

const REDACTED_FIELDS = new Set([...SECRET_FIELDS, ...CONTENT_FIELDS]);

/** A log line is flat; what is nested deeper than this was logged by mistake. */
const DEEPEST_LEVEL = 6;

/** What is done with a field because of its name. */
type Treatment = 'mask' | 'cut query' | 'look inside';

/** Names of fields that were seen, with what is done with them: there are few, and every line has the same. */
const treatments = new Map<string, Treatment>();
const MOST_TREATMENTS = 1000;

function treatmentOf(key: string): Treatment {
  const known = treatments.get(key);
  if (known !== undefined) return known;
  const spelling = key.toLowerCase().replaceAll(/[-_]/g, '');
  // Query strings hold search words and, wrongly, keys.
  const other = spelling === 'url' ? 'cut query' : 'look inside';
  const treatment = REDACTED_FIELDS.has(spelling) ? 'mask' : other;
  if (treatments.size < MOST_TREATMENTS) treatments.set(key, treatment);
  return treatment;
}

const isPlain = (value: object): boolean => {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
};

function redactField(key: string, value: unknown, level: number): unknown {
  // A number or a flag, whatever its name, is a count or a state, which is what logs are for.
  const isHarmless = value === null || (typeof value !== 'object' && typeof value !== 'string');
  if (isHarmless) return value;
  const treatment = treatmentOf(key);
  if (treatment === 'mask') return MASK;
  if (typeof value === 'string') return treatment === 'cut query' ? value.split('?', 1)[0] : value;
  return redactValue(value, level + 1);
}

function redactValue(value: unknown, level: number): unknown {
  if (typeof value !== 'object' || value === null || value instanceof Date) return value;
  if (isError(value)) return describeError(value);
  if (level > DEEPEST_LEVEL) return '[deep]';
  if (Array.isArray(value)) return value.map((item) => redactValue(item, level + 1));
  // An object of a class (a request, a client, a buffer) may hold anything; its name says what it was.
  if (!isPlain(value)) return `[${value.constructor?.name ?? 'object'}]`;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, redactField(key, item, level)]));
}

/**
 * A copy of a log line's fields without secrets and without content: fields with a telling name are masked at any depth,
 * errors described, objects of classes named. `req` and `res` are left as they are: they have serializers.
 */
export function redact(fields: Record<string, unknown>): Record<string, unknown> {
  const clean: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(fields)) {
    clean[key] = key === 'req' || key === 'res' ? value : redactField(key, value, 0);
  }
  return clean;
}
