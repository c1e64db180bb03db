import { isId } from '../../base/ids.ts';

/** The JSON schema of a part of a request, as far as it is read here. */
interface SchemaPart {
  readonly format?: string;
  readonly anyOf?: readonly SchemaPart[];
  readonly items?: SchemaPart;
  readonly properties?: Readonly<Record<string, SchemaPart>>;
}

function holdsIds({ format, anyOf = [], items }: SchemaPart): boolean {
  return format === 'uuid' || (items !== undefined && holdsIds(items)) || anyOf.some(holdsIds);
}

function readId(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(readId);
  if (typeof value !== 'string') return value;
  const id = value.toLowerCase();
  return isId(id) ? id : value;
}

/**
 * Makes what writes ids as we do, in lower case, in place, where a schema has them: fields, and lists of them. A UUID may come
 * in capitals (RFC 9562, section 4), and does so from Swift.
 */
export function createIdReader({ properties = {} }: SchemaPart): (values: unknown) => void {
  const names = Object.keys(properties).filter((name) => holdsIds(properties[name] ?? {}));
  return (values) => {
    if (typeof values !== 'object' || values === null) return;
    const fields = values as Record<string, unknown>;
    for (const name of names) if (fields[name] !== undefined) fields[name] = readId(fields[name]);
  };
}
