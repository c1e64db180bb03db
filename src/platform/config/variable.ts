import { createPublicKey } from 'node:crypto';
import { isIP } from 'node:net';
import { maskSecrets } from '../log/index.ts';
import { type ConfigFile, readConfigFile } from './config-file.ts';
import type { Environment, Parsed } from './parsed.ts';

/** One environment variable: everything the loader and the reference page need to know of it. */
export interface Variable<Value> {
  readonly name: string;
  /** What may stand there, as the reference page and a problem's text say it: `an integer from 1 to 1000`. */
  readonly kind: string;
  /** The unit of a number: `ms`, `seconds`, `bytes`. */
  readonly unit: string | undefined;
  /** The default as one would write it in the environment; undefined when the variable has none. */
  readonly defaultText: string | undefined;
  /** What it does, in a sentence. */
  readonly sentence: string;
  /** Its value appears in no problem and no log line. */
  readonly secret: boolean;
  /** Reads a text: what is set, or else the default. */
  readonly parse: (text: string, environment: Environment) => Parsed<Value>;
}

/** A variable that may be left out: its value is then undefined. */
export type Optional<Value> = Variable<Value> & { readonly optional: true };

interface Description {
  readonly name: string;
  readonly sentence: string;
  readonly secret?: boolean;
}

type Parse<Value> = (text: string) => Value | undefined;

const LONGEST_QUOTE_LENGTH = 40;

/** The value as a problem quotes it; someone may have put a secret in the wrong variable. */
function quote(text: string): string {
  const masked = maskSecrets(text);
  return JSON.stringify(masked.length > LONGEST_QUOTE_LENGTH ? `${masked.slice(0, LONGEST_QUOTE_LENGTH)}…` : masked);
}

interface Kind<Value> {
  readonly kind: string;
  readonly parse: Parse<Value>;
  readonly unit?: string | undefined;
}

function define<Value>(description: Description, kind: Kind<Value>, defaultText?: string): Variable<Value> {
  const secret = description.secret ?? false;
  return {
    name: description.name,
    sentence: description.sentence,
    secret,
    kind: kind.kind,
    unit: kind.unit,
    defaultText,
    parse: (text) => {
      const value = kind.parse(text);
      if (value !== undefined) return { value };
      return { problem: `${secret ? 'the value' : quote(text)} is not ${kind.kind}` };
    },
  };
}

const optional = <Value>(variable: Variable<Value>): Optional<Value> => ({ ...variable, optional: true });

interface IntegerDescription extends Description {
  readonly from: number;
  readonly to: number;
  readonly unit?: string;
  readonly default: number;
}

/** A whole number in a range, in plain digits. */
export function integer(description: IntegerDescription): Variable<number> {
  const { from, to, unit } = description;
  const parse: Parse<number> = (text) => {
    const value = /^(?:0|[1-9]\d{0,14})$/.test(text) ? Number(text) : Number.NaN;
    return value >= from && value <= to ? value : undefined;
  };
  return define(description, { kind: `an integer from ${from} to ${to}`, parse, unit }, String(description.default));
}

interface TextDescription extends Description {
  /** What may stand there; the whole text must match. */
  readonly pattern: RegExp;
  readonly kind: string;
}

const textKind = (description: TextDescription): Kind<string> => ({
  kind: description.kind,
  parse: (text) => (description.pattern.test(text) ? text : undefined),
});

/** A text with a default. */
export function text(description: TextDescription & { readonly default: string }): Variable<string> {
  return define(description, textKind(description), description.default);
}

/** A text that may be left out. */
export function optionalText(description: TextDescription): Optional<string> {
  return optional(define(description, textKind(description)));
}

interface UrlDescription extends Description {
  readonly schemes: readonly string[];
  /** What must hold of it besides, and how to say so after "a URL that starts with redis://": `, with …`. */
  readonly besides?: { readonly kind: string; readonly holds: (url: URL) => boolean };
}

/** A URL of one of the schemes, which may be left out. */
export function optionalUrl(description: UrlDescription): Optional<string> {
  const { besides } = description;
  const starts = description.schemes.map((scheme) => `${scheme}://`);
  const parse: Parse<string> = (value) => {
    // `redis:host` and `REDISS://host` are URLs too, of which libraries make something else: the second goes without TLS.
    const isUrl = starts.some((start) => value.startsWith(start)) && URL.canParse(value);
    return isUrl && (besides === undefined || besides.holds(new URL(value))) ? value : undefined;
  };
  return optional(
    define(description, { kind: `a URL that starts with ${starts.join(' or ')}${besides?.kind ?? ''}`, parse }),
  );
}

/** A file of YAML or JSON, which may be left out. */
export function optionalFile(description: Description): Optional<ConfigFile> {
  const variable = define<ConfigFile>(description, {
    kind: 'the path of a file of YAML or JSON',
    parse: () => undefined,
  });
  return optional({ ...variable, parse: readConfigFile });
}

/** A public key of the curve P-256 in PEM, its lines as they are or joined by `\\n`; it may be left out. */
export function optionalEcPublicKey(description: Description): Optional<string> {
  const parse: Parse<string> = (value) => {
    const pem = value.replaceAll(String.raw`\n`, '\n');
    try {
      return createPublicKey(pem).asymmetricKeyDetails?.namedCurve === 'prime256v1' ? pem : undefined;
    } catch {
      return undefined;
    }
  };
  return optional(define(description, { kind: 'a public key of the curve P-256 in PEM', parse }));
}

/** One of a few words. */
export function oneOf<const Word extends string>(
  description: Description & { readonly words: readonly Word[]; readonly default: Word },
): Variable<Word> {
  const { words } = description;
  const parse: Parse<Word> = (value) => words.find((word) => word === value);
  return define(description, { kind: `one of ${words.join(', ')}`, parse }, description.default);
}

interface ListDescription extends Description {
  /** What an item is: `origins such as https://app.example.com`. */
  readonly items: string;
  readonly isItem: (item: string) => boolean;
}

/** Items separated by commas; none when the variable is not set. */
export function list(description: ListDescription): Variable<readonly string[]> {
  const parse: Parse<readonly string[]> = (value) => {
    const items = value.split(',').map((item) => item.trim());
    return items.every(description.isItem) ? Object.freeze(items) : undefined;
  };
  const variable = define(description, { kind: `a comma-separated list of ${description.items}`, parse }, '');
  // The default, an empty list, cannot be written: a variable that is set but empty is refused before it comes here.
  return {
    ...variable,
    parse: (value, environment) => (value === '' ? { value: Object.freeze([]) } : variable.parse(value, environment)),
  };
}

/**
 * Whether ioredis can read the URL of a Redis. It throws on a user or a password that it cannot decode, and on a database that is
 * no number it ends the process, as soon as Redis answers.
 */
export function isReadableRedisUrl({ username, password, pathname, searchParams }: URL): boolean {
  try {
    for (const part of [username, password]) decodeURIComponent(part);
    return /^\d*$/.test(pathname.slice(1)) && searchParams.getAll('db').every((database) => /^\d+$/.test(database));
  } catch {
    return false;
  }
}

/** Whether a text is a header and its value, percent-encoded, as OpenTelemetry has them. */
export function isEncodedHeader(item: string): boolean {
  const [, value] = /^[\w-]+=([\x21-\x7e]+)$/.exec(item) ?? [];
  try {
    return value !== undefined && decodeURIComponent(value) !== '';
  } catch {
    return false;
  }
}

/** Whether a text is an IP address or a range of them in CIDR notation. Not `/0`: to trust everybody is to believe anybody. */
export function isAddressRange(item: string): boolean {
  const [address = '', prefix, ...rest] = item.split('/');
  const version = isIP(address);
  if (version === 0 || rest.length > 0) return false;
  return prefix === undefined || (/^[1-9]\d{0,2}$/.test(prefix) && Number(prefix) <= (version === 4 ? 32 : 128));
}
