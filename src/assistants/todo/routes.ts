import {
  Cursor,
  decodeCursor,
  defineRoute,
  encodeCursor,
  ListOf,
  Nullable,
  PageLimit,
  placePart,
  Type,
  toPage,
} from '../../kit/index.ts';
import { addItem, changeItem, itemOf, removeItem, toItem } from './items.ts';
import { type ItemRow, listItems } from './queries.ts';
import { Day, Item, ItemId, Priority, Title } from './schemas.ts';

const ItemParams = Type.Object({ item_id: ItemId }, { additionalProperties: false });

/** A place among the days; items without one are at the end. */
const isDueOn = (part: unknown): part is string => part === 'infinity' || placePart.day(part);

const listRoute = defineRoute({
  method: 'GET',
  path: '/items',
  name: 'listItems',
  summary: 'List your todo items',
  description: 'What is due first; items without a day last.',
  query: Type.Object(
    {
      limit: PageLimit({ default: 50, maximum: 1000 }),
      cursor: Type.Optional(Cursor),
      done: Type.Optional(Type.Boolean({ description: 'Only what is done, or only what is not.' })),
      due_from: Type.Optional(Day),
      due_to: Type.Optional(Day),
    },
    { additionalProperties: false },
  ),
  answer: ListOf(Item),
  async run({ query }, context) {
    const { limit, cursor, done = null, due_from = null, due_to = null } = query;
    const scope = ['todo', context.userId, done, due_from, due_to].join();
    const [afterDueOn = null, afterId = null] = decodeCursor(scope, cursor, [isDueOn, placePart.id]);
    const filter = { isDone: done, dueFrom: due_from, dueTo: due_to };
    const rows = await context.query(listItems, { ...filter, afterDueOn, afterId, limit: limit + 1 });
    const cursorOf = ({ due_on, id }: ItemRow) => encodeCursor(scope, [due_on ?? 'infinity', id]);
    return toPage(rows, limit, { item: toItem, cursor: cursorOf });
  },
});

const createRoute = defineRoute({
  method: 'POST',
  path: '/items',
  name: 'createItem',
  summary: 'Put an item on your todo list',
  body: Type.Object(
    { title: Title, due_on: Type.Optional(Nullable(Day)), priority: Type.Optional(Priority) },
    { additionalProperties: false },
  ),
  example: { title: 'Buy milk', due_on: '2026-12-24' },
  status: 201,
  answer: Item,
  run: ({ body }, context) => addItem(body, context),
});

const updateRoute = defineRoute({
  method: 'PATCH',
  path: '/items/:item_id',
  name: 'updateItem',
  summary: 'Change an item of your todo list',
  params: ItemParams,
  body: Type.Object(
    {
      title: Type.Optional(Title),
      due_on: Type.Optional(Nullable(Day)),
      priority: Type.Optional(Priority),
      done: Type.Optional(Type.Boolean()),
    },
    { additionalProperties: false, minProperties: 1 },
  ),
  example: { done: true },
  answer: Item,
  async run({ params, body }, context) {
    const { title: newTitle = null, due_on, priority = null, done: isDone = null } = body;
    const change = { newTitle, setDueOn: due_on !== undefined, dueOn: due_on ?? null, priority, isDone };
    return itemOf(await changeItem({ id: params.item_id }, change, context));
  },
});

const deleteRoute = defineRoute({
  method: 'DELETE',
  path: '/items/:item_id',
  name: 'deleteItem',
  summary: 'Take an item off your todo list',
  params: ItemParams,
  answer: Type.Object(
    { id: ItemId, object: Type.Literal('todo.item'), deleted: Type.Literal(true) },
    { title: 'DeletedTodoItem' },
  ),
  async run({ params }, context) {
    const { id, object } = itemOf(await removeItem({ id: params.item_id }, context));
    return { id, object, deleted: true as const };
  },
});

/** The routes below `/api/todo`. */
export const routes = [listRoute, createRoute, updateRoute, deleteRoute];
