/**
 * SQL is written as SQL, in `queries.ts`, one exported function per statement:
 *
 * ```ts
 * export const findKey = (p: { hash: Buffer }) => sql<{ id: string; revoked_at: Date | null }>`
 *   -- keys.find_key
 *   select id, revoked_at from api_keys where hash = ${p.hash}::bytea`;
 * ```
 *
 * The first line names the statement: `feature.statement`, at most 63 bytes. The name is the prepared statement's, the
 * metric's and the log's. `npm run check:sql` types row and parameters against the migrated schema.
 */

/** A statement with its values, ready to run. `Row` is the shape of a row of its result. */
export interface Statement<Row> {
  readonly name: string;
  readonly text: string;
  readonly values: readonly unknown[];
  /**
   * How many names of statements share the connections at the moment, this one included. Once the name has its part of them, one
   * more is sent behind another of the name on the same connection, before that has been answered. Absent: each has its own.
   */
  readonly sharedBy?: number;
  /** Carries the row's type; never set. */
  readonly rowType?: Row;
}

const NAME = /^\s*--\s*([a-z][a-z0-9_]*\.[a-z][a-z0-9_]*)\s*\n/;

/** What a call site's text comes to, worked out once: a tagged template passes the same `strings` at every call. */
const compiled = new WeakMap<TemplateStringsArray, { name: string; text: string }>();

function compile(strings: TemplateStringsArray): { name: string; text: string } {
  const name = NAME.exec(strings[0] ?? '')?.[1];
  if (name === undefined || name.length > 63) {
    throw new Error('A statement starts with a line "-- feature.statement" of at most 63 bytes that names it.');
  }
  const text = strings.reduce((joined, part, index) => `${joined}$${index}${part}`);
  return { name, text };
}

/** Makes a statement of a template; each `${value}` becomes a parameter (`$1`, `$2`, …), never text. */
export function sql<Row>(strings: TemplateStringsArray, ...values: unknown[]): Statement<Row> {
  let statement = compiled.get(strings);
  if (statement === undefined) {
    statement = compile(strings);
    compiled.set(strings, statement);
  }
  return { name: statement.name, text: statement.text, values };
}
