import {
  Cursor,
  decodeCursor,
  defineRoute,
  encodeCursor,
  ListOf,
  Nullable,
  PageLimit,
  placePart,
  Type,
  toPage,
} from '../../kit/index.ts';
import { addExpense, changeExpense, removeExpense, toCategory, toExpense } from './expenses.ts';
import { type ExpenseRow, listExpenses } from './queries.ts';
import { AmountMinor, Category, Currency, Day, Expense, ExpenseId, Note, Settings, settingsFields } from './schemas.ts';
import { getSettings, setSettings } from './settings.ts';

const ExpenseParams = Type.Object({ expense_id: ExpenseId }, { additionalProperties: false });

const listRoute = defineRoute({
  method: 'GET',
  path: '/expenses',
  name: 'listExpenses',
  summary: 'List your expenses',
  description: 'The latest day first; `from` and `to` are included.',
  query: Type.Object(
    {
      limit: PageLimit({ default: 50, maximum: 1000 }),
      cursor: Type.Optional(Cursor),
      from: Type.Optional(Day),
      to: Type.Optional(Day),
      category: Type.Optional(Category),
    },
    { additionalProperties: false },
  ),
  answer: ListOf(Expense),
  async run({ query }, context) {
    const { limit, cursor, from = null, to = null } = query;
    const category = query.category === undefined ? null : toCategory(query.category);
    const scope = JSON.stringify(['pam', context.userId, from, to, category]);
    const [afterSpentOn = null, afterId = null] = decodeCursor(scope, cursor, [placePart.day, placePart.id]);
    const rows = await context.query(listExpenses, { from, to, category, afterSpentOn, afterId, limit: limit + 1 });
    const cursorOf = ({ spent_on, id }: ExpenseRow) => encodeCursor(scope, [spent_on, id]);
    return toPage(rows, limit, { item: toExpense, cursor: cursorOf });
  },
});

const createRoute = defineRoute({
  method: 'POST',
  path: '/expenses',
  name: 'createExpense',
  summary: 'Record an expense',
  body: Type.Object(
    {
      amount_minor: AmountMinor,
      currency: Currency,
      category: Category,
      note: Type.Optional(Nullable(Note)),
      spent_on: Day,
    },
    { additionalProperties: false },
  ),
  example: { amount_minor: 1250, currency: 'EUR', category: 'fuel', spent_on: '2026-12-24' },
  status: 201,
  answer: Expense,
  run: ({ body }, context) => addExpense(body, context),
});

const updateRoute = defineRoute({
  method: 'PATCH',
  path: '/expenses/:expense_id',
  name: 'updateExpense',
  summary: 'Change an expense',
  params: ExpenseParams,
  body: Type.Object(
    {
      amount_minor: Type.Optional(AmountMinor),
      currency: Type.Optional(Currency),
      category: Type.Optional(Category),
      note: Type.Optional(Nullable(Note)),
      spent_on: Type.Optional(Day),
    },
    { additionalProperties: false, minProperties: 1 },
  ),
  example: { category: 'travel' },
  answer: Expense,
  run: ({ params, body }, context) => changeExpense(params.expense_id, body, context),
});

const deleteRoute = defineRoute({
  method: 'DELETE',
  path: '/expenses/:expense_id',
  name: 'deleteExpense',
  summary: 'Delete an expense',
  params: ExpenseParams,
  answer: Type.Object(
    { id: ExpenseId, object: Type.Literal('pam.expense'), deleted: Type.Literal(true) },
    { title: 'DeletedPamExpense' },
  ),
  async run({ params }, context) {
    await removeExpense(params.expense_id, context);
    return { id: params.expense_id, object: 'pam.expense' as const, deleted: true as const };
  },
});

const readSettingsRoute = defineRoute({
  method: 'GET',
  path: '/settings',
  name: 'readSettings',
  summary: 'Read how Pam counts for you',
  answer: Settings,
  run: (_request, context) => getSettings(context),
});

const writeSettingsRoute = defineRoute({
  method: 'PUT',
  path: '/settings',
  name: 'setSettings',
  summary: 'Set how Pam counts for you',
  body: Type.Object(settingsFields, { additionalProperties: false }),
  example: { currency: 'SEK', time_zone: 'Europe/Stockholm', language: 'sv' },
  answer: Settings,
  run: ({ body }, context) => setSettings(body, context),
});

/** The routes below `/api/pam`. */
export const routes = [listRoute, createRoute, updateRoute, deleteRoute, readSettingsRoute, writeSettingsRoute];
