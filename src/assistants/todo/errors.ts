import { defineErrors } from '../../base/errors.ts';

/** Errors of the todo list. Their messages are also told to the model. */
export const todoErrors = defineErrors('todo', {
  item_not_found: {
    status: 404,
    message: 'There is no such item on the list. GET /api/todo/items, or the tool todo_list, shows what there is.',
  },
  item_not_named: { status: 400, message: 'Say which item is meant, by its id or its title.' },
  nothing_to_change: {
    status: 400,
    message: 'Nothing to change was given: to rename an item, name it by its id and use new_title.',
  },
});
