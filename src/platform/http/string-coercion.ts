import { isPlainNumber } from './json-body.ts';

/*
 * A query and a path hold only text. What a schema asks for as a number or a boolean is read from text here, more
 * strictly than Ajv's own coercion, which takes `" 5"`, `""` and `"0x10"` for numbers.
 */

type Kind = 'number' | 'boolean' | 'time';

interface SchemaPart {
  readonly type?: string | readonly string[];
  readonly format?: string;
  readonly anyOf?: readonly SchemaPart[];
  readonly items?: SchemaPart;
  readonly properties?: Readonly<Record<string, SchemaPart>>;
}

/** How one parameter is read. */
interface Reading {
  readonly kind: Kind | undefined;
  readonly isList: boolean;
}

const NUMBER = /^-?(?:0|[1-9]\d*)(?:\.\d+)?$/;
/** What stands for the `+` of `+02:00` where a client did not write it as `%2B`: no time has a blank there. */
const BLANK_FOR_PLUS = / (?=\d\d:\d\d$)/;

function typesOf(schema: SchemaPart): string[] {
  const own = typeof schema.type === 'string' ? [schema.type] : (schema.type ?? []);
  return [...own, ...(schema.anyOf ?? []).flatMap(typesOf)];
}

function kindOf(schema: SchemaPart): Kind | undefined {
  const types = typesOf(schema);
  if (types.includes('string')) return schema.format === 'date-time' ? 'time' : undefined;
  if (types.includes('integer') || types.includes('number')) return 'number';
  return types.includes('boolean') ? 'boolean' : undefined;
}

function readText(text: unknown, kind: Kind | undefined): unknown {
  if (typeof text !== 'string') return text;
  if (kind === 'time') return text.replace(BLANK_FOR_PLUS, '+');
  if (kind === 'boolean' && (text === 'true' || text === 'false')) return text === 'true';
  if (kind !== 'number' || !NUMBER.test(text)) return text;
  const number = Number(text);
  // What is not exact stays text, and is refused as not being a number.
  return isPlainNumber(number) ? number : text;
}

/**
 * Makes the reader of a schema's parameters: it turns text into numbers, booleans and times in place where the schema asks for
 * them, a lone value into a list of one where it asks for a list, and names the parameter that came more than once.
 */
export function createCoercion(
  schema: SchemaPart,
): (values: Record<string, unknown>) => { repeated: string } | undefined {
  const readings = new Map<string, Reading>();
  for (const [name, part] of Object.entries(schema.properties ?? {})) {
    const isList = typesOf(part).includes('array');
    readings.set(name, { kind: kindOf(isList ? (part.items ?? {}) : part), isList });
  }
  return (values) => {
    for (const [name, value] of Object.entries(values)) {
      const { kind, isList } = readings.get(name) ?? { kind: undefined, isList: false };
      if (isList) values[name] = (Array.isArray(value) ? value : [value]).map((item) => readText(item, kind));
      else if (Array.isArray(value)) return { repeated: name };
      else values[name] = readText(value, kind);
    }
    return undefined;
  };
}
