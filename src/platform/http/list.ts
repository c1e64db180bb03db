import { hash } from 'node:crypto';
import { type TSchema, Type } from 'typebox';
import { strictFormats } from '../../base/formats.ts';
import { isId } from '../../base/ids.ts';
import { httpErrors } from './errors.ts';

/** The schema of a page of a list, as every list answers it. That of a `TodoItem` is called `TodoItemList`. */
export function ListOf<Item extends TSchema & { title?: string }>(item: Item) {
  return Type.Object(
    {
      object: Type.Literal('list'),
      data: Type.Array(item),
      has_more: Type.Boolean(),
      next_cursor: Nullable(Type.String({ description: 'Pass it as `cursor` to read on; null on the last page.' })),
    },
    item.title === undefined ? {} : { title: `${item.title}List` },
  );
}

/** A schema that also takes null. */
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
  const chars = hash('sha256', text, 'base64url');
  // What begins as an API key does is refused in a URL: the cursor could not be sent back.
  return (chars.startsWith('ek_') ? chars.slice(1) : chars).slice(0, CHECK_CHARS);
}

/**
 * Makes a cursor: a place within `scope`, the list, its user and the query that it belongs to, of which it holds only check
 * characters: a query may be longer than a cursor. Those of the whole catch cursors that were cut or altered; they keep no
 * secret, and a cursor holds nothing that its reader may not know.
 */
export function encodeCursor(scope: string, place: readonly (string | number)[]): string {
  const text = JSON.stringify([check(scope), ...place]);
  return check(text) + Buffer.from(text).toString('base64url');
}

type PartCheck = (part: unknown) => part is string | number;

/** The parts that checks let through; none where there is no cursor. */
type Place<Checks> = {
  [Index in keyof Checks]?: Checks[Index] extends (part: unknown) => part is infer Part ? Part : never;
};

const textThat =
  (fits: (text: string) => boolean) =>
  (part: unknown): part is string =>
    typeof part === 'string' && fits(part);

const integerTo =
  (maximum: number) =>
  (part: unknown): part is number =>
    typeof part === 'number' && Number.isInteger(part) && part >= 0 && part <= maximum;

/** What a part of a place can be, for `decodeCursor`: what Postgres takes as that type, and we write into cursors. */
export const placePart = {
  id: textThat(isId),
  /** As `2026-12-24`. */
  day: textThat(strictFormats.date),
  /** A time in RFC 3339. */
  instant: textThat(strictFormats['date-time']),
  /** A time in milliseconds since 1970, up to the last year that RFC 3339 can write. */
  timeMs: integerTo(Date.UTC(9999, 11, 31)),
  /** A count or an id: Postgres' `integer`, not negative. */
  integer: integerTo(2 ** 31 - 1),
  /** The same of `bigint`, as far as numbers are exact. */
  bigint: integerTo(Number.MAX_SAFE_INTEGER),
  /** Any text that Postgres can hold. */
  text: textThat((text) => !text.includes('\0')),
};

/** The parts of the place that a text holds, after the check characters of its scope; none when that is not what it holds. */
function parsePlace(text: string): unknown[] {
  try {
    const parts: unknown = JSON.parse(text);
    return Array.isArray(parts) ? parts.slice(1) : [];
  } catch {
    return [];
  }
}

/**
 * The place that a cursor names, a part for each check, so that a statement can take them as they are; nothing when there is
 * no cursor.
 * @throws AppError `http.invalid_cursor` when it is not one of this scope's.
 */
export function decodeCursor<const Checks extends readonly PartCheck[]>(
  scope: string,
  cursor: string | undefined,
  checks: Checks,
): Place<Checks> {
  if (cursor === undefined) return [] as Place<Checks>;
  const place = parsePlace(Buffer.from(cursor.slice(CHECK_CHARS), 'base64url').toString());
  const isPlace = place.length === checks.length && checks.every((isPart, index) => isPart(place[index]));
  // Many texts are read as the same place; only the one that we write of it is a cursor.
  const isOurs = isPlace && encodeCursor(scope, place as (string | number)[]) === cursor;
  if (!isOurs) throw httpErrors.raise.invalid_cursor({ param: 'cursor' });
  return place as Place<Checks>;
}
