import { hash } from 'node:crypto';
import { type TSchema, Type } from 'typebox';
import { httpErrors } from './errors.ts';

/** The schema of a page of a list, as every list answers it. */
export function ListOf<Item extends TSchema>(item: Item) {
  return Type.Object({
    object: Type.Literal('list'),
    data: Type.Array(item),
    has_more: Type.Boolean(),
    next_cursor: Nullable(Type.String({ description: 'Pass it as `cursor` to read on; null on the last page.' })),
  });
}

/** A schema that also takes null. As a type array it is validated and serialised faster than as a union. */
export function Nullable<Schema extends TSchema & { type: string }>(schema: Schema) {
  return Type.Union([schema, Type.Null()]);
}

/** How many items a page has. */
export function PageLimit(options: { default: number; maximum: number }) {
  return Type.Integer({ minimum: 1, ...options, description: 'How many items the page has at most.' });
}

/** An opaque place in a list, as `next_cursor` gave it. */
export const Cursor = Type.String({
  minLength: 1,
  maxLength: 500,
  description: 'The `next_cursor` of the page before.',
});

/** A page of a list. */
export interface Page<Item> {
  object: 'list';
  data: Item[];
  has_more: boolean;
  next_cursor: string | null;
}

/** Makes a page of up to `limit` + 1 rows: the one too many only tells that there is more. */
export function toPage<Row, Item>(
  rows: readonly Row[],
  limit: number,
  map: { item: (row: Row) => Item; cursor: (row: Row) => string },
): Page<Item> {
  const shown = rows.slice(0, limit);
  const last = shown.at(-1);
  const hasMore = rows.length > limit;
  return {
    object: 'list',
    data: shown.map(map.item),
    has_more: hasMore,
    next_cursor: hasMore && last !== undefined ? map.cursor(last) : null,
  };
}

const CHECK_CHARS = 8;

function check(text: string): string {
  return hash('sha256', text, 'base64url').slice(0, CHECK_CHARS);
}

/**
 * Makes a cursor: a place within `scope`, the list and the query that it belongs to. The check characters catch
 * cursors that were cut or altered; they keep no secret, and a cursor holds nothing that its reader may not know.
 */
export function encodeCursor(scope: string, place: readonly (string | number)[]): string {
  const text = JSON.stringify([scope, ...place]);
  return check(text) + Buffer.from(text).toString('base64url');
}

/**
 * The place that a cursor names.
 * @throws AppError `http.invalid_cursor` when it is not one of this scope's.
 */
export function decodeCursor(scope: string, cursor: string): (string | number)[] {
  const text = Buffer.from(cursor.slice(CHECK_CHARS), 'base64url').toString();
  if (check(text) === cursor.slice(0, CHECK_CHARS)) {
    const [cursorScope, ...place] = JSON.parse(text) as [string, ...(string | number)[]];
    if (cursorScope === scope) return place;
  }
  throw httpErrors.raise.invalid_cursor({ param: 'cursor' });
}
