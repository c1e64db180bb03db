import { readPages } from '../../base/read-pages.ts';
import type { AssistantContext } from '../../kit/index.ts';
import { toItem } from './items.ts';
import { deleteItems, type ItemRow, listItems } from './queries.ts';

/** Every item of the user, page by page. */
export async function* exportUser(context: AssistantContext): AsyncGenerator<unknown> {
  const items = readPages<ItemRow>((last, limit) => {
    const place = { afterDueOn: last ? (last.due_on ?? 'infinity') : null, afterId: last?.id ?? null };
    return context.query(listItems, { isDone: null, dueFrom: null, dueTo: null, ...place, limit });
  });
  for await (const item of items) yield toItem(item);
}

/** Deletes every item of the user. */
export async function eraseUser(context: AssistantContext): Promise<void> {
  await context.eraseAll(deleteItems);
}
