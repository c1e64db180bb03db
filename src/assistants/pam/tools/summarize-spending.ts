import { defineTool, Type } from '../../../kit/index.ts';
import { toCategory } from '../expenses.ts';
import { toDecimal } from '../money.ts';
import { summarizeSpending as sumRows } from '../queries.ts';
import { Category } from '../schemas.ts';
import { getSettings } from '../settings.ts';
import { readSpan, span } from './span.ts';

/** As many lines as a user can be told in one answer. */
const maxLines = 100;

/** What was spent in one currency, or of it in a month on a category. */
export interface Spending {
  readonly amount: string;
  readonly currency: string;
  readonly expenses: number;
}
export interface SpendingLine extends Spending {
  readonly month: string;
  readonly category: string;
  /** What may be spent on the category in the month; null when nothing was said. */
  readonly budget: string | null;
}

export const summarizeSpending = defineTool({
  name: 'summarize_spending',
  description:
    'Adds up what the user spent, by month and category, beside the monthly budgets. Each currency is on its own. Without days, this month.',
  input: Type.Object({ ...span, category: Type.Optional(Category) }, { additionalProperties: false }),
  writes: false,
  async run({ category, ...days }, context) {
    const { time_zone, language } = await getSettings(context);
    const { from, to } = readSpan(days, time_zone, context.clock.now());
    const only = category === undefined ? null : toCategory(category);
    const rows = await context.query(sumRows, { from, to, category: only, limit: maxLines });
    const totals: Spending[] = [];
    const lines: SpendingLine[] = [];
    for (const { month, category, budget_minor, ...row } of rows) {
      const [currency, expenses] = [row.currency ?? '', row.expenses ?? 0];
      const spending = { amount: toDecimal(row.total_minor ?? '0', currency), currency, expenses };
      if (month === null || category === null) totals.push(spending);
      else
        lines.push({
          ...spending,
          month,
          category,
          budget: budget_minor === null ? null : toDecimal(budget_minor, currency),
        });
    }
    return { from, to, category: only, totals, lines, language };
  },
});
