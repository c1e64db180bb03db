import { readPages } from '../../base/read-pages.ts';
import type { AssistantContext } from '../../kit/index.ts';
import { toExpense } from './expenses.ts';
import {
  type BudgetRow,
  deleteBudgets,
  deleteExpenses,
  deleteSettings,
  deleteTripDays,
  type ExpenseRow,
  findSettings,
  listBudgets,
  listExpenses,
  listTripDays,
  type TripDayRow,
} from './queries.ts';

/** All that is stored about the user, page by page. */
export async function* exportUser(context: AssistantContext): AsyncGenerator<unknown> {
  const expenses = readPages<ExpenseRow>((last, limit) => {
    const place = { afterSpentOn: last?.spent_on ?? null, afterId: last?.id ?? null };
    return context.query(listExpenses, { from: null, to: null, category: null, ...place, limit });
  });
  const budgets = readPages<BudgetRow>((last, limit) => {
    const place = { afterCategory: last?.category ?? '', afterCurrency: last?.currency ?? '' };
    return context.query(listBudgets, { ...place, limit });
  });
  const days = readPages<TripDayRow>((last, limit) =>
    context.query(listTripDays, { afterDay: last?.day ?? '-infinity', limit }),
  );
  for (const settings of await context.query(findSettings, {})) yield { object: 'pam.settings', ...settings };
  for await (const expense of expenses) yield toExpense(expense);
  for await (const budget of budgets) yield { object: 'pam.budget', ...budget };
  for await (const day of days) yield { object: 'pam.trip_day', ...day };
}

/** Deletes all that is stored about the user. */
export async function eraseUser(context: AssistantContext): Promise<void> {
  for (const statement of [deleteExpenses, deleteBudgets, deleteTripDays]) await context.eraseAll(statement);
  await context.query(deleteSettings, {});
}
