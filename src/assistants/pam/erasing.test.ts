import { expect, test, vi } from 'vitest';
import { useProduct } from '../../../test/harness/product.ts';
import { testContext } from '../../../test/harness/test-context.ts';
import { sql } from '../../platform/postgres/index.ts';

const product = useProduct();

test('what there may be many rows of is erased in pages', async () => {
  const { userId } = await product.createUser();
  const fill = sql`
    -- test.fill_pam
    with numbers as (select generate_series(1, 501) as n), expenses as (
      insert into pam.expenses (user_id, id, amount_minor, currency, category, spent_on)
      select ${userId}::uuid, gen_random_uuid(), 1250, 'EUR', 'fuel', date '2026-11-21' from numbers
    ), budgets as (
      insert into pam.budgets (user_id, category, currency, amount_minor)
      select ${userId}::uuid, 'category ' || n, 'EUR', 1250 from numbers
    )
    insert into pam.trip_days (user_id, day, place, stops)
    select ${userId}::uuid, date '2026-11-21' + n, 'Rome', '[]' from numbers`;
  await product.postgres.query(fill, testContext());
  const query = vi.spyOn(product.postgres, 'query');
  await product.server.installed.eraseUser(userId, testContext());
  const names = query.mock.calls.map(([{ name }]) => name);
  const pages = await Promise.all(query.mock.results.map(({ value }) => value));
  query.mockRestore();
  const erased = names.map((name, i) => [name, pages[i]?.length] as const);
  expect(erased.filter(([name]) => name.startsWith('pam.'))).toEqual([
    ['pam.delete_expenses', 500],
    ['pam.delete_expenses', 1],
    ['pam.delete_budgets', 500],
    ['pam.delete_budgets', 1],
    ['pam.delete_trip_days', 500],
    ['pam.delete_trip_days', 1],
    ['pam.delete_settings', 0],
  ]);
  expect(await Array.fromAsync(product.server.installed.exportUser(userId, testContext()))).toEqual([]);
});
