import { defineTool, Type } from '../../../kit/index.ts';
import { toDecimal } from '../money.ts';
import { listBudgets as listRows } from '../queries.ts';
import { getSettings } from '../settings.ts';

/** As many as a user can be told in one answer. */
const MAX_BUDGETS = 50;

export const listBudgets = defineTool({
  name: 'list_budgets',
  description: 'Reads what the user means to spend on each category in a month, also where nothing was spent yet.',
  input: Type.Object({}, { additionalProperties: false }),
  writes: false,
  async run(_input, context) {
    const { language } = await getSettings(context);
    const rows = await context.query(listRows, { afterCategory: '', afterCurrency: '', limit: MAX_BUDGETS + 1 });
    const budgets = rows.slice(0, MAX_BUDGETS).map(({ category, currency, amount_minor }) => {
      return { category, currency, amount: toDecimal(amount_minor, currency) };
    });
    return { budgets, has_more: rows.length > MAX_BUDGETS, language };
  },
});
