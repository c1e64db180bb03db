import { newId } from '../../base/ids.ts';
import type { AssistantContext, Stored } from '../../kit/index.ts';
import { todoErrors } from './errors.ts';
import { deleteItem, type ItemChange, type ItemChoice, type ItemRow, insertItems, updateItem } from './queries.ts';
import type { Item } from './schemas.ts';
import { wordPattern } from './word-pattern.ts';

/** An item that is new on the list. */
export interface NewItem {
  readonly title: string;
  readonly due_on?: string | null;
  readonly priority?: string;
}

/** Which item a user means: by id, or as the user calls it, on a day if one is given. */
export interface Meant {
  readonly id?: string;
  readonly title?: string;
  readonly full_title?: string;
  readonly due_on?: string;
  /** What the user names it in. */
  readonly language?: 'en' | 'sv';
}

type Choice = Omit<ItemChoice, 'userId'>;
type Change = Omit<ItemChange, keyof ItemChoice>;

/** An item as it goes out. */
export function toItem(row: ItemRow): Item {
  return {
    id: row.id,
    object: 'todo.item',
    title: row.title,
    due_on: row.due_on,
    priority: row.priority,
    done: row.done_at !== null,
    done_at: row.done_at?.toISOString() ?? null,
    created_at: row.created_at.toISOString(),
    updated_at: row.updated_at.toISOString(),
  };
}

/** Puts an item on the list. */
export async function addItem({ title, due_on = null, priority = 'normal' }: NewItem, context: AssistantContext) {
  const { answer } = await context.once(insertItems, { id: newId(), title, dueOn: due_on, priority });
  const stored = answer as Stored<ItemRow>;
  return toItem({
    ...stored,
    done_at: null,
    created_at: new Date(stored.created_at),
    updated_at: new Date(stored.updated_at),
  });
}

function choose({ id, title: said, full_title, due_on, language }: Meant): Choice {
  // Each letter in one piece, as titles are compared: an "é" may be typed with its accent apart.
  const [title, fullTitle] = [said?.normalize(), full_title?.normalize()];
  // Not in the schemas of the tools: providers refuse those that have `anyOf` at the top.
  if (id === undefined && title === undefined) throw todoErrors.raise.item_not_named();
  // As Postgres cuts words: an underscore is part of one, and no word begins with ½.
  const words = title?.match(/[\p{L}\p{M}\p{Nd}_][\p{L}\p{M}\p{N}_]*/gu) ?? [];
  // Without any word, only the very title.
  const patterns = words.length === 0 ? ['^$'] : words.map((word) => wordPattern(word, language));
  return { id: id ?? null, title: title ?? null, fullTitle: fullTitle ?? null, patterns, onDay: due_on ?? null };
}

/** What came of changing the item that a user means: the item, or those that may be meant when several fit. */
export type Outcome = { readonly item: Item } | { readonly candidates: readonly Item[]; readonly problem: string };

function outcomeOf(rows: readonly (ItemRow & { changed: boolean })[]): Outcome {
  const [row] = rows;
  if (row === undefined) throw todoErrors.raise.item_not_found();
  if (row.changed) return { item: toItem(row) };
  const problem = 'Several items fit and nothing was changed: ask which one is meant, then name it by its id.';
  return { problem, candidates: rows.map(toItem) };
}

/**
 * Changes the item that is meant.
 * @throws AppError 404 `todo.item_not_found`; 400 `todo.item_not_named`.
 */
export async function changeItem(meant: Meant, change: Partial<Change>, context: AssistantContext): Promise<Outcome> {
  const unchanged: Change = { newTitle: null, setDueOn: false, dueOn: null, priority: null, isDone: null };
  return outcomeOf(await context.query(updateItem, { ...choose(meant), ...unchanged, ...change }));
}

/**
 * Takes the item that is meant off the list.
 * @throws AppError 404 `todo.item_not_found`; 400 `todo.item_not_named`.
 */
export async function removeItem(meant: Meant, context: AssistantContext): Promise<Outcome> {
  return outcomeOf(await context.query(deleteItem, choose(meant)));
}

/** The item of an outcome that cannot be in doubt, since it was named by its id. */
export function itemOf(outcome: Outcome): Item {
  if ('item' in outcome) return outcome.item;
  throw new Error('An id named several items.');
}
