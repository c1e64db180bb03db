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

/** Declares a part. */
export function storedPart<Row extends object>(table: string, read: StoredPart<Row>['read']): StoredPart {
  // Whoever reads pages hands back rows of the same part.
  return { table, read } as unknown as StoredPart;
}

/** The limit for what there is one row of a user: after it comes nothing. */
export const onlyPage = (after: unknown): number => (after === undefined ? 1 : 0);
