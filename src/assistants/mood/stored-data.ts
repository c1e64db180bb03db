import type { AssistantContext } from '../../kit/index.ts';
import { toEntry } from './entries.ts';
import { deleteEntries, type EntryRow, listEntries } from './queries.ts';

const pageRows = 500;

/** Every entry of the user, page by page. */
export async function* exportUser(context: AssistantContext): AsyncGenerator<unknown> {
  let last: EntryRow | undefined;
  for (;;) {
    const place = { afterFeltAt: last?.felt_at ?? null, afterId: last?.id ?? null };
    const rows = await context.query(listEntries, { from: null, to: null, ...place, offset: 0, limit: pageRows });
    yield* rows.map(toEntry);
    last = rows.at(-1);
    if (rows.length < pageRows) return;
  }
}

/** Deletes every entry of the user. */
export async function eraseUser(context: AssistantContext): Promise<void> {
  await context.eraseAll(deleteEntries);
  context.forget();
}
