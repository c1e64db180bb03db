import { defineAssistant } from '../../kit/index.ts';
import { commands } from './commands/commands.ts';
import { todoErrors } from './errors.ts';
import { routes } from './routes.ts';
import { eraseUser, exportUser } from './stored-data.ts';
import { add } from './tools/add.ts';
import { complete } from './tools/complete.ts';
import { deleteTool } from './tools/delete.ts';
import { list } from './tools/list.ts';
import { update } from './tools/update.ts';

/** Keeps a todo list. */
export const assistant = defineAssistant({
  description: 'Keeps your todo list.',
  tools: [add, list, complete, update, deleteTool],
  routes,
  errors: todoErrors,
  commands,
  exportUser,
  eraseUser,
});
