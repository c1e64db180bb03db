import { defineTool, Type } from '../../../kit/index.ts';
import { changeItem } from '../items.ts';
import { meantOnDay } from './meant.ts';

export const complete = defineTool({
  name: 'complete',
  description: 'Marks an item of the todo list as done.',
  input: Type.Object(meantOnDay, { additionalProperties: false }),
  writes: true,
  run: (input, context) => changeItem(input, { isDone: true }, context),
});
