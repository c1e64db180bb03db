import { defineTool, Nullable, Type } from '../../../kit/index.ts';
import { changeItem } from '../items.ts';
import { Day, Priority, Title } from '../schemas.ts';
import { meant } from './meant.ts';

export const update = defineTool({
  name: 'update',
  description: 'Changes an item of the todo list: its title, its day, its priority, or that it is done.',
  input: Type.Object(
    {
      ...meant,
      new_title: Type.Optional(Title),
      due_on: Type.Optional(Nullable(Day)),
      priority: Type.Optional(Priority),
      done: Type.Optional(Type.Boolean()),
    },
    { additionalProperties: false, minProperties: 2 },
  ),
  writes: true,
  run: ({ new_title = null, due_on, priority = null, done = null, ...item }, context) =>
    changeItem(
      item,
      { newTitle: new_title, setDueOn: due_on !== undefined, dueOn: due_on ?? null, priority, isDone: done },
      context,
    ),
});
