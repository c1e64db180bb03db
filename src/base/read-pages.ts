/** Rows of a page at most, few enough that none takes long. */
const PAGE_ROWS = 500;

/** All rows, page by page: `read` answers at most `limit` rows after the last one that was read, and none only at the end. */
export async function* readPages<Row>(
  read: (after: Row | undefined, limit: number) => Promise<readonly Row[]>,
): AsyncGenerator<Row> {
  let after: Row | undefined;
  for (;;) {
    const rows = await read(after, PAGE_ROWS);
    if (rows.length === 0) return;
    yield* rows;
    after = rows.at(-1);
  }
}
