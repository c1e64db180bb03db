import { defineTool, Type } from '../../../kit/index.ts';
import { removeExpense, toTold } from '../expenses.ts';
import { ExpenseId } from '../schemas.ts';
import { getSettings } from '../settings.ts';

export const deleteExpense = defineTool({
  name: 'delete_expense',
  description: 'Deletes an expense for good, by the id that it was recorded or listed with.',
  input: Type.Object({ id: ExpenseId }, { additionalProperties: false }),
  writes: true,
  async run({ id }, context) {
    const { language } = await getSettings(context);
    return { deleted: toTold(await removeExpense(id, context)), language };
  },
});
