import { newId } from '../../base/ids.ts';
import type { AssistantContext, Stored } from '../../kit/index.ts';
import { pamErrors } from './errors.ts';
import { knownCurrency, toDecimal } from './money.ts';
import { deleteExpense, type ExpenseRow, insertExpenses, updateExpense } from './queries.ts';
import type { Expense } from './schemas.ts';

/** An expense that is new. */
export interface NewExpense {
  readonly amount_minor: number;
  readonly currency: string;
  readonly category: string;
  readonly note?: string | null;
  readonly spent_on: string;
}

/** An expense as it goes out. */
export function toExpense(row: ExpenseRow): Expense {
  return {
    id: row.id,
    object: 'pam.expense',
    amount_minor: row.amount_minor,
    currency: row.currency,
    category: row.category,
    note: row.note,
    spent_on: row.spent_on,
    created_at: row.created_at.toISOString(),
    updated_at: row.updated_at.toISOString(),
  };
}

/** An expense as tools tell it: with its amount as people write it. */
export function toTold({ id, amount_minor, currency, category, note, spent_on }: Omit<Expense, 'object'>) {
  return { id, amount: toDecimal(amount_minor, currency), currency, category, note, spent_on };
}
export type ToldExpense = ReturnType<typeof toTold>;

/** A category as it is kept: "Food " and "food" are one. */
export function toCategory(category: string): string {
  // In this order: small letters may be one with an accent that capitals have apart.
  return category.trim().toLowerCase().normalize();
}

/**
 * Stores an expense.
 * @throws AppError 400 `pam.unknown_currency`.
 */
export async function addExpense(expense: NewExpense, context: AssistantContext): Promise<Expense> {
  const { answer } = await context.once(insertExpenses, {
    id: newId(),
    amountMinor: expense.amount_minor,
    currency: knownCurrency(expense.currency),
    category: toCategory(expense.category),
    note: expense.note ?? null,
    spentOn: expense.spent_on,
  });
  const stored = answer as Stored<ExpenseRow>;
  const [created_at, updated_at] = [new Date(stored.created_at), new Date(stored.updated_at)];
  return toExpense({ ...stored, created_at, updated_at });
}

/**
 * Changes an expense; what is not given stays.
 * @throws AppError 404 `pam.expense_not_found`; 400 `pam.unknown_currency`.
 */
export async function changeExpense(
  id: string,
  change: Partial<NewExpense>,
  context: AssistantContext,
): Promise<Expense> {
  const { amount_minor = null, currency, category, note, spent_on = null } = change;
  const [row] = await context.query(updateExpense, {
    id,
    amountMinor: amount_minor,
    currency: currency === undefined ? null : knownCurrency(currency),
    category: category === undefined ? null : toCategory(category),
    setNote: note !== undefined,
    note: note ?? null,
    spentOn: spent_on,
  });
  if (row === undefined) throw pamErrors.raise.expense_not_found();
  return toExpense(row);
}

/**
 * Deletes an expense, and answers it as it was.
 * @throws AppError 404 `pam.expense_not_found`.
 */
export async function removeExpense(id: string, context: AssistantContext): Promise<Expense> {
  const [row] = await context.query(deleteExpense, { id });
  if (row === undefined) throw pamErrors.raise.expense_not_found();
  return toExpense(row);
}
