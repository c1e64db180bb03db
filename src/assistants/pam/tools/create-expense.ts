import { addDays } from '../../../base/days.ts';
import { defineTool, Type } from '../../../kit/index.ts';
import { lastOf, todayIn } from '../days.ts';
import { addExpense, toTold } from '../expenses.ts';
import { meantCurrency, toMinor } from '../money.ts';
import { Amount, Category, Day, Note, SaidCurrency, WeekdayName } from '../schemas.ts';
import { getSettings } from '../settings.ts';

const HOUR_MS = 3_600_000;

export const createExpense = defineTool({
  name: 'create_expense',
  description: "Records what the user spent. Without a day it was today, without a currency it is the user's own.",
  input: Type.Object(
    {
      amount: Amount,
      currency: Type.Optional(SaidCurrency),
      category: Category,
      note: Type.Optional(Note),
      spent_on: Type.Optional({
        ...Day,
        description: 'A day, such as 2026-12-24, without days_ago, hours_ago and weekday.',
      }),
      days_ago: Type.Optional(Type.Integer({ minimum: 0, maximum: 366, description: '1 for yesterday.' })),
      hours_ago: Type.Optional(
        Type.Integer({
          minimum: 0,
          maximum: 99,
          description: 'How many hours ago it was: it may have been yesterday.',
        }),
      ),
      weekday: Type.Optional(WeekdayName),
    },
    { additionalProperties: false },
  ),
  writes: true,
  async run({ amount, currency, category, note = null, spent_on, days_ago = 0, hours_ago = 0, weekday }, context) {
    const settings = await getSettings(context);
    const known = meantCurrency(currency, settings.currency);
    const then = new Date(context.clock.now().getTime() - hours_ago * HOUR_MS);
    const day = addDays(todayIn(settings.time_zone, then), -days_ago);
    const expense = await addExpense(
      {
        amount_minor: toMinor(amount, known),
        currency: known,
        category,
        note,
        spent_on: spent_on ?? (weekday === undefined ? day : lastOf(weekday, day)),
      },
      context,
    );
    return { expense: toTold(expense), language: settings.language };
  },
});
