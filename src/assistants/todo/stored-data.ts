import type { AssistantContext } from '../../kit/index.ts';
import { toItem } from './items.ts';
import { deleteItems, listItems } from './queries.ts';

const pageRows = 500;

/** Every item of the user, page by page. */
export async function* exportUser(context: AssistantContext): AsyncGenerator<unknown> {
  let place: { afterDueOn: string | null; afterId: string | null } = { afterDueOn: null, afterId: null };
  for (;;) {
    const everything = { isDone: null, dueFrom: null, dueTo: null };
    const rows = await context.query(listItems, { ...everything, ...place, limit: pageRows });
    yield* rows.map(toItem);
    const last = rows.at(-1);
    if (last === undefined || rows.length < pageRows) return;
    place = { afterDueOn: last.due_on ?? 'infinity', afterId: last.id };
  }
}

/** Deletes every item of the user. */
export async function eraseUser(context: AssistantContext): Promise<void> {
  await context.eraseAll(deleteItems);
}
