import { defineTool, Type } from '../../../kit/index.ts';
import { toItem } from '../items.ts';
import { listItems } from '../queries.ts';
import { Day } from '../schemas.ts';

/** As many as a user can be told in one answer. */
const MAX_ITEMS = 50;

export const list = defineTool({
  name: 'list',
  description: "Reads the user's todo list, what is due first. Without `done`, only what is not done yet.",
  input: Type.Object(
    {
      done: Type.Optional(Type.Boolean({ description: 'True for what is done.' })),
      due_from: Type.Optional(Day),
      due_to: Type.Optional(Day),
    },
    { additionalProperties: false },
  ),
  writes: false,
  async run({ done = false, due_from = null, due_to = null }, context) {
    const filter = { isDone: done, dueFrom: due_from, dueTo: due_to };
    const rows = await context.query(listItems, { ...filter, afterDueOn: null, afterId: null, limit: MAX_ITEMS + 1 });
    return { items: rows.slice(0, MAX_ITEMS).map(toItem), has_more: rows.length > MAX_ITEMS };
  },
});
