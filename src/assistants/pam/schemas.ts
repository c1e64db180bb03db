import { Nullable, type Static, Type } from '../../kit/index.ts';
import { type Period, periods, type Weekday, weekdays } from './days.ts';
import { MAX_AMOUNT_MINOR } from './money.ts';

/** An amount in the smallest unit of its currency. */
export const AmountMinor = Type.Integer({
  minimum: 1,
  maximum: MAX_AMOUNT_MINOR,
  description: 'In the smallest unit of the currency: 1250 EUR are 12.50 euro, 1250 JPY are 1,250 yen.',
});

/** An amount as people write it; a tool is not asked to count in minor units. */
export const Amount = Type.String({
  pattern: '^\\d{1,13}(\\.\\d{1,4})?$',
  description: 'The amount as text, with a point: "12.50".',
});

/** A code of ISO 4217. */
export const Currency = Type.String({ pattern: '^[A-Z]{3}$', description: 'A code of ISO 4217, such as EUR.' });

/** A currency as the user said it. */
export const SaidCurrency = Type.String({
  pattern: '^([A-Z]{3}|kr|[$£¥])$',
  description: 'A code of ISO 4217, such as EUR; or kr, $, £ or ¥ when the user said no more than that.',
});

/** What an expense is for. */
export const Category = Type.String({
  minLength: 1,
  maxLength: 50,
  pattern: '\\S',
  description: 'What it is for, in a word or two, such as fuel. Kept in lower case.',
});

/** A word on an expense. */
export const Note = Type.String({ minLength: 1, maxLength: 500, description: 'More about it.' });

/** A day where the user lives. */
export const Day = Type.String({ format: 'date', description: 'A day, such as 2026-12-24.' });

/** An id of an expense. */
export const ExpenseId = Type.String({ format: 'uuid', description: 'The id of the expense.' });

/** A period relative to today. */
export const PeriodName = Type.Unsafe<Period>(
  Type.String({ enum: [...periods], description: 'Days relative to today, where the user lives.' }),
);

/** A day of the week. */
export const WeekdayName = Type.Unsafe<Weekday>(
  Type.String({
    enum: [...weekdays],
    description:
      'The last day of that name where the user lives, which may be today; with days_ago 1, one before today.',
  }),
);

/** An expense. */
export const Expense = Type.Object(
  {
    id: Type.String({ format: 'uuid' }),
    object: Type.Literal('pam.expense'),
    amount_minor: Type.Integer(),
    currency: Type.String(),
    category: Type.String(),
    note: Nullable(Type.String()),
    spent_on: Type.String({ format: 'date' }),
    created_at: Type.String({ format: 'date-time' }),
    updated_at: Type.String({ format: 'date-time' }),
  },
  { title: 'PamExpense' },
);
export type Expense = Static<typeof Expense>;

/** What a user may set. */
export const settingsFields = {
  currency: Type.String({
    ...Currency,
    description: 'A code of ISO 4217, such as EUR: what is meant where no currency is said.',
  }),
  time_zone: Type.String({
    minLength: 1,
    maxLength: 64,
    description: 'Where the days begin and end, such as Europe/Stockholm.',
  }),
  language: Nullable(
    Type.String({
      pattern: '^[a-z]{2,3}$',
      description: 'A code of ISO 639, such as sv: what Pam answers in. Null: as you write.',
    }),
  ),
};

/** How a user counts. */
export const Settings = Type.Object(
  { object: Type.Literal('pam.settings'), ...settingsFields },
  { title: 'PamSettings' },
);
export type Settings = Static<typeof Settings>;
