import { FIRST_ID } from '../../../base/ids.ts';
import type { Statement } from '../../../platform/postgres/index.ts';

/** Which rows to read: those after a place in the order of the primary key. */
export interface PartPage<Row> {
  readonly userId: string;
  /** The last row that was read; undefined to begin. */
  readonly after: Row | undefined;
  readonly limit: number;
}

/** A table of what is stored about users, as its feature gives it out to the user. */
export interface StoredPart<Row = unknown> {
  readonly table: string;
  /** One page, empty only after the last row; a column that is nobody's business is not in its rows. */
  read(page: PartPage<Row>): Statement<Row>;
}

/** Declares a part whose rows lie in another order than that of an id. */
export function storedPart<Row extends object>(table: string, read: StoredPart<Row>['read']): StoredPart {
  // Whoever reads pages hands back rows of the same part.
  return { table, read } as unknown as StoredPart;
}

/** Declares a part whose rows lie in the order of their ids. */
export function storedById(
  table: string,
  read: (page: { userId: string; afterId: string; limit: number }) => Statement<{ id: string }>,
): StoredPart {
  return storedPart<{ id: string }>(table, ({ userId, after, limit }) =>
    read({ userId, afterId: after?.id ?? FIRST_ID, limit }),
  );
}

/** Declares a part of which there is one row of a user: after it comes nothing. */
export function storedOnce(
  table: string,
  read: (page: { userId: string; limit: number }) => Statement<object>,
): StoredPart {
  return storedPart(table, ({ userId, after }) => read({ userId, limit: after === undefined ? 1 : 0 }));
}
