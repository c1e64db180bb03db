import { defineTool, Nullable, Type } from '../../../kit/index.ts';
import { todoErrors } from '../errors.ts';
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
  async run({ new_title: newTitle = null, due_on, priority = null, done: isDone = null, ...item }, context) {
    const setDueOn = due_on !== undefined;
    // `id` and `title` are two properties too, and both say which item is meant.
    if (newTitle === null && !setDueOn && priority === null && isDone === null)
      throw todoErrors.raise.nothing_to_change();
    return await changeItem(item, { newTitle, setDueOn, dueOn: due_on ?? null, priority, isDone }, context);
  },
});
