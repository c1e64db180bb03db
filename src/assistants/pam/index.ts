import { defineAssistant } from '../../kit/index.ts';
import { commands } from './commands/commands.ts';
import { pamErrors } from './errors.ts';
import { routes } from './routes.ts';
import { eraseUser, exportUser } from './stored-data.ts';
import { createExpense } from './tools/create-expense.ts';
import { deleteExpense } from './tools/delete-expense.ts';
import { listBudgets } from './tools/list-budgets.ts';
import { listExpenses } from './tools/list-expenses.ts';
import { planTripDay } from './tools/plan-trip-day.ts';
import { setBudget } from './tools/set-budget.ts';
import { summarizeSpending } from './tools/summarize-spending.ts';

/** Keeps track of money and plans days on trips. */
export const assistant = defineAssistant({
  description: 'Keeps track of your money, and plans days on trips.',
  tools: [createExpense, deleteExpense, listExpenses, summarizeSpending, setBudget, listBudgets, planTripDay],
  routes,
  errors: pamErrors,
  commands,
  exportUser,
  eraseUser,
});
