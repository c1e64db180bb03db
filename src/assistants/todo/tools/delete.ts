import { defineTool, Type } from '../../../kit/index.ts';
import { removeItem } from '../items.ts';
import { meantOnDay } from './meant.ts';

export const deleteTool = defineTool({
  name: 'delete',
  description: 'Takes an item off the todo list for good. To mark it as done, use todo_complete.',
  input: Type.Object(meantOnDay, { additionalProperties: false }),
  writes: true,
  run: removeItem,
});
