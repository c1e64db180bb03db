import { defineTool, Nullable, Type } from '../../../kit/index.ts';
import { addItem } from '../items.ts';
import { Day, Priority, Title } from '../schemas.ts';

export const add = defineTool({
  name: 'add',
  description: "Puts an item on the user's todo list.",
  input: Type.Object(
    { title: Title, due_on: Type.Optional(Nullable(Day)), priority: Type.Optional(Priority) },
    { additionalProperties: false },
  ),
  writes: true,
  run: async (input, context) => ({ item: await addItem(input, context) }),
});
