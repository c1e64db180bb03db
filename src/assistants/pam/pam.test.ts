import { beforeAll, describe, expect, test, vi } from 'vitest';
import { type TestUser, useProduct } from '../../../test/harness/product.ts';
import { testContext } from '../../../test/harness/test-context.ts';
import { toolCaller } from '../../../test/harness/tool-caller.ts';
import { addDays } from '../../base/days.ts';
import { todayIn } from './days.ts';
import { assistant } from './index.ts';
import type { Expense } from './schemas.ts';

const product = useProduct();
let alice: TestUser;
let bob: TestUser;

beforeAll(async () => {
  alice = await product.createUser();
  bob = await product.createUser();
});

const fuel = { amount_minor: 1250, currency: 'EUR', category: 'fuel', spent_on: '2026-11-21' };

async function send(user: TestUser, ...[method, path, body]: [string, string, unknown?]) {
  const response = await product.request(user, method, `/api/pam${path}`, body);
  return { status: response.status, body: (await response.json()) as never };
}

async function listCategories(user: TestUser, query = ''): Promise<string[]> {
  const { body } = await send(user, 'GET', `/expenses${query}`);
  return (body as { data: Expense[] }).data.map(({ category }) => category);
}

const call = toolCaller(product, 'pam_');

test('an expense goes in, is changed and goes out', async () => {
  const added = await send(alice, 'POST', '/expenses', { ...fuel, category: ' Fuel ', note: 'A trip' });
  expect(added.status).toBe(201);
  const expense = added.body as Expense;
  expect(expense).toEqual({
    id: expect.any(String),
    object: 'pam.expense',
    ...fuel,
    note: 'A trip',
    created_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/),
    updated_at: expect.any(String),
  });
  const path = `/expenses/${expense.id}`;
  const changed = await send(alice, 'PATCH', path, { amount_minor: 99, currency: 'SEK', note: null });
  expect(changed.body).toMatchObject({ amount_minor: 99, currency: 'SEK', category: 'fuel', note: null });
  for (const method of ['PATCH', 'DELETE']) {
    expect((await send(bob, method, path, method === 'PATCH' ? { note: 'mine' } : undefined)).status).toBe(404);
  }
  expect((await send(alice, 'DELETE', path)).body).toEqual({ id: expense.id, object: 'pam.expense', deleted: true });
  expect((await send(alice, 'DELETE', path)).status).toBe(404);
});

test.each([
  [{ currency: 'EUX' }, 'currency'],
  [{ currency: 'eur' }, 'currency'],
  [{ amount_minor: 0 }, 'amount_minor'],
  [{ amount_minor: 12.5 }, 'amount_minor'],
  [{ amount_minor: 1_000_000_000_001 }, 'amount_minor'],
  [{ spent_on: '2026-02-29' }, 'spent_on'],
  [{ category: '  ' }, 'category'],
  [{ category: 'x'.repeat(51) }, 'category'],
])('%j is refused, and the field is named', async (wrong, param) => {
  const { status, body } = await send(alice, 'POST', '/expenses', { ...fuel, ...wrong });
  expect([status, (body as { error: { param: string } }).error.param]).toEqual([400, param]);
});

test('the latest day comes first, page by page, and filters hold', async () => {
  const carol = await product.createUser();
  for (const [category, spent_on] of [
    ['first', '2026-10-31'],
    ['second', '2026-11-01'],
    ['third', '2026-11-30'],
    ['fourth', '2026-12-01'],
  ])
    await send(carol, 'POST', '/expenses', { ...fuel, category, spent_on });
  expect(await listCategories(carol)).toEqual(['fourth', 'third', 'second', 'first']);
  const first = (await send(carol, 'GET', '/expenses?limit=3')).body as { next_cursor: string };
  expect(await listCategories(carol, `?limit=3&cursor=${first.next_cursor}`)).toEqual(['first']);
  expect(await listCategories(carol, '?from=2026-11-01&to=2026-11-30')).toEqual(['third', 'second']);
  expect(await listCategories(carol, '?category=Second')).toEqual(['second']);
  // A cursor belongs to its list.
  expect((await send(carol, 'GET', `/expenses?category=third&cursor=${first.next_cursor}`)).status).toBe(400);
});

test('a repeated POST with an Idempotency-Key records one expense and answers it again', async () => {
  const dan = await product.createUser();
  const post = (amount_minor: number) =>
    fetch(`${product.url}/api/pam/expenses`, {
      method: 'POST',
      headers: { authorization: `Bearer ${dan.key}`, 'content-type': 'application/json', 'idempotency-key': 'one' },
      body: JSON.stringify({ ...fuel, amount_minor }),
    });
  const bodies = await Promise.all((await Promise.all([post(1), post(1)])).map((answer) => answer.json()));
  expect(bodies[1]).toEqual(bodies[0]);
  expect(await listCategories(dan)).toEqual(['fuel']);
  expect((await post(2)).status).toBe(422);
});

test('each request asks the database once', async () => {
  const query = vi.spyOn(product.postgres, 'query');
  const { id } = (await send(alice, 'POST', '/expenses', fuel)).body as Expense;
  await send(alice, 'GET', '/expenses');
  await send(alice, 'PATCH', `/expenses/${id}`, { note: 'counted' });
  await send(alice, 'DELETE', `/expenses/${id}`);
  await send(alice, 'GET', '/settings');
  await send(alice, 'PUT', '/settings', { currency: 'EUR', time_zone: 'UTC', language: null });
  const names = query.mock.calls.map(([statement]) => statement.name).filter((name) => name.startsWith('pam.'));
  query.mockRestore();
  const expenses = ['insert_expenses', 'list_expenses', 'update_expense', 'delete_expense'];
  expect(names).toEqual([...expenses, 'find_settings', 'put_settings'].map((name) => `pam.${name}`));
});

test('settings are euro and UTC until they are set', async () => {
  const eve = await product.createUser();
  const settings = { object: 'pam.settings', currency: 'EUR', time_zone: 'UTC', language: null };
  expect((await send(eve, 'GET', '/settings')).body).toEqual(settings);
  const wanted = { currency: 'SEK', time_zone: 'Europe/Stockholm', language: 'sv' };
  expect((await send(eve, 'PUT', '/settings', wanted)).body).toEqual({ object: 'pam.settings', ...wanted });
  expect((await send(eve, 'GET', '/settings')).body).toEqual({ object: 'pam.settings', ...wanted });
  for (const [wrong, code] of [
    [{ time_zone: 'Europe/Atlantis' }, 'pam.unknown_time_zone'],
    [{ currency: 'EUX' }, 'pam.unknown_currency'],
  ] as const)
    expect((await send(eve, 'PUT', '/settings', { ...wanted, ...wrong })).body).toMatchObject({ error: { code } });
  expect(await call(eve, 'create_expense', { amount: '120', category: 'mat' })).toMatchObject({
    expense: { amount: '120.00', currency: 'SEK' },
    language: 'sv',
  });
});

test('a day is counted where the user lives', async () => {
  const frank = await product.createUser();
  // A day and an hour apart: it is never the same day in both.
  for (const time_zone of ['Pacific/Kiritimati', 'Pacific/Pago_Pago']) {
    await send(frank, 'PUT', '/settings', { currency: 'EUR', time_zone, language: null });
    const before = todayIn(time_zone, new Date());
    const spend = async (day: object) =>
      ((await call(frank, 'create_expense', { amount: '1', category: 'tea', ...day })) as { expense: Expense }).expense;
    const now = await spend({});
    const expense = await spend({ days_ago: 1 });
    const after = todayIn(time_zone, new Date());
    expect([before, after]).toContain(now.spent_on);
    expect([addDays(before, -1), addDays(after, -1)]).toContain(expense.spent_on);
    expect(await call(frank, 'list_expenses', { period: 'yesterday' })).toMatchObject({
      expenses: [{ id: expense.id }],
    });
  }
});

describe('spending is added up', () => {
  test('by month and category, each currency on its own, beside its budget', async () => {
    const gina = await product.createUser();
    for (const expense of [
      ['12.50', 'EUR', 'fuel', '2026-10-31'],
      ['0.10', 'EUR', 'fuel', '2026-11-01'],
      ['0.20', 'EUR', 'Fuel', '2026-11-30'],
      ['7', 'EUR', 'food', '2026-11-30'],
      ['1250', 'JPY', 'fuel', '2026-11-30'],
      ['1.250', 'KWD', 'fuel', '2026-12-01'],
    ]) {
      const [amount, currency, category, spent_on] = expense;
      await call(gina, 'create_expense', { amount, currency, category, spent_on });
    }
    await call(gina, 'set_budget', { amount: '250', category: 'fuel' });
    await call(gina, 'set_budget', { amount: '300', category: 'Fuel' });
    const november = await call(gina, 'summarize_spending', { from: '2026-11-01', to: '2026-11-30' });
    const month = '2026-11';
    expect(november).toEqual({
      from: '2026-11-01',
      to: '2026-11-30',
      category: null,
      totals: [
        { currency: 'JPY', amount: '1250', expenses: 1 },
        { currency: 'EUR', amount: '7.30', expenses: 3 },
      ],
      lines: [
        { month, category: 'fuel', currency: 'JPY', amount: '1250', expenses: 1, budget: null },
        { month, category: 'food', currency: 'EUR', amount: '7.00', expenses: 1, budget: null },
        { month, category: 'fuel', currency: 'EUR', amount: '0.30', expenses: 2, budget: '300.00' },
      ],
      has_more: false,
      language: null,
    });
    // A part of a month is not beside the budget of all of it.
    expect(await call(gina, 'summarize_spending', { from: '2026-11-02', to: '2026-11-30' })).toMatchObject({
      lines: [{ currency: 'JPY' }, { category: 'food' }, { amount: '0.20', budget: null }],
    });
    expect(await call(gina, 'summarize_spending', { from: '2026-12-01', category: 'FUEL' })).toMatchObject({
      totals: [{ currency: 'KWD', amount: '1.250' }],
    });
    await call(gina, 'set_budget', { amount: '0', category: 'fuel' });
    expect(await call(gina, 'summarize_spending', { to: '2026-10-31' })).toMatchObject({ lines: [{ budget: null }] });
    const stranger = await product.createUser();
    expect(await call(stranger, 'summarize_spending', { from: '2026-01-01' })).toMatchObject({ totals: [] });
  });

  test('and what one answer cannot tell is said to be there', async () => {
    const ivan = await product.createUser();
    await product.postgres.query(
      {
        name: 'test.fill_categories',
        text: `insert into pam.expenses (user_id, id, amount_minor, currency, category, spent_on)
          select $1, gen_random_uuid(), 100, 'EUR', 'thing ' || n, '2026-11-01' from generate_series(1, 100) n`,
        values: [ivan.userId],
      } as never,
      testContext(),
    );
    const cut = (await call(ivan, 'summarize_spending', { from: '2026-11-01' })) as { totals: []; lines: [] };
    expect(cut).toMatchObject({ totals: [{ amount: '100.00' }], has_more: true });
    expect(cut.totals.length + cut.lines.length).toBe(100);
    await product.postgres.query(
      {
        name: 'test.empty_category',
        text: `delete from pam.expenses where user_id = $1 and category = 'thing 100'`,
        values: [ivan.userId],
      } as never,
      testContext(),
    );
    const all = (await call(ivan, 'summarize_spending', { from: '2026-11-01' })) as { lines: [] };
    expect(all).toMatchObject({ totals: [{ amount: '99.00' }], has_more: false });
    expect(all.lines).toHaveLength(99);
  });

  test('exactly, beyond what a number holds', async () => {
    const hugo = await product.createUser();
    await product.postgres.query(
      {
        name: 'test.fill',
        text: `insert into pam.expenses (user_id, id, amount_minor, currency, category, spent_on)
          select $1, gen_random_uuid(), 1000000000000 - (n % 2), 'EUR', 'yachts', '2026-11-01' from generate_series(1, 10001) n`,
        values: [hugo.userId],
      } as never,
      testContext(),
    );
    expect(await call(hugo, 'summarize_spending', { from: '2026-11-01' })).toMatchObject({
      totals: [{ amount: '100009999999949.99' }],
    });
  });
});

test('a day of a trip is planned in order of time, kept, and told again', async () => {
  const day = '2026-12-24';
  await expect(call(alice, 'plan_trip_day', { day })).rejects.toMatchObject({ code: 'pam.no_plan' });
  const [flight, museum, lunch, walk] = [
    { at: '00:00', what: 'Flight', minutes: 120 },
    { at: '09:30', what: 'Museum', minutes: 180 },
    { at: '12:00', what: 'Lunch', minutes: 60 },
    { at: '13:00', what: 'A walk', minutes: 60 },
  ];
  const plan = { day, place: 'Rome', stops: [flight, museum, lunch, walk], clashes: ['12:00 Lunch'] };
  expect(await call(alice, 'plan_trip_day', { day, place: 'Rome', stops: [walk, lunch, flight, museum] })).toEqual({
    plan,
  });
  expect(await call(alice, 'plan_trip_day', { day })).toEqual({ plan });
  await expect(call(bob, 'plan_trip_day', { day })).rejects.toMatchObject({ code: 'pam.no_plan' });
});

test('all that is stored about a user is exported, and erased for that user alone', async () => {
  const ines = await product.createUser();
  for (const user of [ines, bob]) {
    await send(user, 'POST', '/expenses', fuel);
    await send(user, 'PUT', '/settings', { currency: 'SEK', time_zone: 'UTC', language: null });
    await call(user, 'set_budget', { amount: '300', category: 'fuel' });
    const stops = [{ at: '09:30', what: 'Museum', minutes: 180 }];
    for (const day of ['2026-12-24', '2026-12-25']) await call(user, 'plan_trip_day', { day, place: 'Rome', stops });
  }
  const { installed } = product.server;
  const readAll = async (user: TestUser) => {
    const all = await Array.fromAsync(installed.exportUser(user.userId, testContext()));
    return all.filter(({ assistant }) => assistant === 'pam').map(({ entry }) => entry);
  };
  const kept = ['pam.settings', 'pam.expense', 'pam.budget', 'pam.trip_day', 'pam.trip_day'];
  expect(await readAll(ines)).toMatchObject(kept.map((object) => ({ object })));
  await installed.eraseUser(ines.userId, testContext());
  await installed.eraseUser(ines.userId, testContext());
  expect(await readAll(ines)).toEqual([]);
  expect(await readAll(bob)).toMatchObject(kept.map((object) => ({ object })));
});

test('clear commands are carried out in a chat without any model', async () => {
  const emma = await product.createUser();
  const chat = await product.startChat(emma, 'pam');
  const say = async (content: string) => (await chat(content)).replaceAll('\u00a0', ' ');
  expect(await say('spent 12.50 euro on fuel on 2026-11-21')).toBe('Recorded: €12.50 on fuel, 2026-11-21');
  expect(await say('spent 5 euro on fuel yesterday')).toMatch(/^Recorded: €5.00 on fuel, \d{4}-\d\d-\d\d$/);
  expect(await say('how much did I spend on fuel on 2026-11-21?')).toMatch(
    /^You spent €(?:12.50|17.50) on 2026-11-21:\n- 2026-11 fuel: €/,
  );
  expect(await say('budget 3 000 kr för mat')).toBe('Budgeten för mat är 3 000,00 kr i månaden.');
  expect(await say('jag spenderade 120 kr på mat idag')).toMatch(/^Antecknat: 120,00 kr på mat, /);
  expect(await say('hur mycket har jag spenderat på mat den här månaden?')).toMatch(
    /^Du har spenderat 120,00 kr från [\d-]+ till [\d-]+:\n- [\d-]+ mat: 120,00 kr av 3 000,00 kr$/,
  );
  expect(await say('spent 12.505 euro on fuel')).toMatch(/^That did not work\./);
});

test('only tools that write nothing say so', () => {
  const reading = assistant.tools.filter(({ writes }) => !writes).map(({ name }) => name);
  expect(reading).toEqual(['list_expenses', 'summarize_spending', 'list_budgets']);
});
