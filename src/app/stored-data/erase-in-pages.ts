/** Rows erased by one statement: a fraction of a second of work. */
const PAGE_ROWS = 5_000;

/** Erases what may be more than one statement can erase in its time: page after page, until one is not full. */
export async function eraseInPages(erasePage: (limit: number) => Promise<readonly unknown[]>): Promise<void> {
  while ((await erasePage(PAGE_ROWS)).length === PAGE_ROWS);
}
