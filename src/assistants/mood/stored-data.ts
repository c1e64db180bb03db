import { readPages } from '../../base/read-pages.ts';
import type { AssistantContext } from '../../kit/index.ts';
import { toEntry } from './entries.ts';
import { deleteEntries, type EntryRow, listEntries } from './queries.ts';

/** Every entry of the user, page by page. */
export async function* exportUser(context: AssistantContext): AsyncGenerator<unknown> {
  const entries = readPages<EntryRow>((last, limit) => {
    const place = { afterFeltAt: last?.felt_at ?? null, afterId: last?.id ?? null };
    return context.query(listEntries, { from: null, to: null, ...place, offset: 0, limit });
  });
  for await (const entry of entries) yield toEntry(entry);
}

/** Deletes every entry of the user. */
export async function eraseUser(context: AssistantContext): Promise<void> {
  await context.eraseAll(deleteEntries);
  context.forget();
}
