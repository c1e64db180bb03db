import { isDeepStrictEqual } from 'node:util';

/** The schemas of a document that have a name, by it. */
export type NamedSchemas = Record<string, unknown>;

/** What names types in most languages as it stands. */
const NAME = /^[A-Z][A-Za-z0-9]*$/;

/** Keywords that hold values, in which nothing is a keyword. */
export const VALUES = new Set(['const', 'default', 'enum', 'example', 'examples']);

/**
 * Moves every schema with a `title` within `part`, some piece of the document, to `named`, under that title, and answers the
 * piece with references to them. `place` tells whoever reads an error where the piece is.
 * @throws Error for a title that is no name, and for one that another schema has.
 */
export function nameSchemas(part: unknown, named: NamedSchemas, place: string): unknown {
  if (typeof part !== 'object' || part === null) return part;
  if (Array.isArray(part)) return part.map((one) => nameSchemas(one, named, place));
  const referring = Object.fromEntries(
    Object.entries(part).map(([key, value]) => [key, VALUES.has(key) ? value : nameSchemas(value, named, place)]),
  );
  const { title, ...schema } = referring;
  // Else there is none, or it is the schema of a field that is called so.
  if (typeof title !== 'string') return referring;
  if (!NAME.test(title)) {
    throw new Error(`${place}: the title of a schema is its name, such as "TodoItem": not "${title}".`);
  }
  named[title] ??= schema;
  if (!isDeepStrictEqual(named[title], schema)) {
    throw new Error(`${place}: another schema is called ${title} already, and is not the same.`);
  }
  return { $ref: `#/components/schemas/${title}` };
}
