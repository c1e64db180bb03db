import { defineTool, Type } from '../../../kit/index.ts';
import { coversMonth, todayIn } from '../days.ts';
import { toCategory } from '../expenses.ts';
import { toDecimal } from '../money.ts';
import { summarizeSpending as sumRows } from '../queries.ts';
import { Category } from '../schemas.ts';
import { getSettings } from '../settings.ts';
import { readSpan, span } from './span.ts';

/** As many sums as a user can be told in one answer. */
const MAX_SUMS = 100;

/** What was spent in one currency, or of it in a month on a category. */
export interface Spending {
  readonly amount: string;
  readonly currency: string;
  readonly expenses: number;
}
export interface SpendingLine extends Spending {
  readonly month: string;
  readonly category: string;
  /** What may be spent on the category in the month; null when nothing was said, or when this is not all of the month. */
  readonly budget: string | null;
}

export const summarizeSpending = defineTool({
  name: 'summarize_spending',
  description:
    'Adds up what the user spent, by month and category, each whole month beside its budget. Each currency is on its own. Without days, this month.',
  input: Type.Object({ ...span, category: Type.Optional(Category) }, { additionalProperties: false }),
  writes: false,
  async run({ category, ...days }, context) {
    const { time_zone, language } = await getSettings(context);
    const today = todayIn(time_zone, context.clock.now());
    const { from, to } = readSpan(days, today);
    const only = category === undefined ? null : toCategory(category);
    const rows = await context.query(sumRows, { from, to, category: only, limit: MAX_SUMS + 1 });
    const totals: Spending[] = [];
    const lines: SpendingLine[] = [];
    for (const { month, category, budget_minor, ...row } of rows.slice(0, MAX_SUMS)) {
      const [currency, expenses] = [row.currency ?? '', row.expenses ?? 0];
      const spending = { amount: toDecimal(row.total_minor ?? '0', currency), currency, expenses };
      if (month === null || category === null) totals.push(spending);
      else {
        const hasBudget = budget_minor !== null && coversMonth({ from, to }, month, today);
        lines.push({ ...spending, month, category, budget: hasBudget ? toDecimal(budget_minor, currency) : null });
      }
    }
    return { from, to, category: only, totals, lines, has_more: rows.length > MAX_SUMS, language };
  },
});
