import { defineTool, Type } from '../../../kit/index.ts';
import { todayIn } from '../days.ts';
import { toCategory, toExpense, toTold } from '../expenses.ts';
import { listExpenses as listRows } from '../queries.ts';
import { Category } from '../schemas.ts';
import { getSettings } from '../settings.ts';
import { readSpan, span } from './span.ts';

/** As many as a user can be told in one answer. */
const MAX_EXPENSES = 50;

export const listExpenses = defineTool({
  name: 'list_expenses',
  description: "Reads the user's expenses one by one, the latest first. Without days, those of this month.",
  input: Type.Object({ ...span, category: Type.Optional(Category) }, { additionalProperties: false }),
  writes: false,
  async run({ category, ...days }, context) {
    const { time_zone, language } = await getSettings(context);
    const { from, to } = readSpan(days, todayIn(time_zone, context.clock.now()));
    const only = category === undefined ? null : toCategory(category);
    const page = { afterSpentOn: null, afterId: null, limit: MAX_EXPENSES + 1 };
    const rows = await context.query(listRows, { from, to, category: only, ...page });
    const expenses = rows.slice(0, MAX_EXPENSES).map((row) => toTold(toExpense(row)));
    return { from, to, category: only, expenses, has_more: rows.length > MAX_EXPENSES, language };
  },
});
