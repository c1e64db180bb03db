import { expect, onTestFinished, test } from 'vitest';
import { startProduct } from '../../../test/harness/product.ts';
import { testContext } from '../../../test/harness/test-context.ts';
import type { UserWithKey } from '../../core/keys/index.ts';
import type { Database } from '../../platform/postgres/index.ts';
import { createLoadTestUsers, eraseLoadTestUsers } from './load-test-users.ts';

test('users are erased in pages, however much they left', async () => {
  const product = await startProduct();
  onTestFinished(() => product.stop());
  const client = await product.connect();
  const users: UserWithKey[] = [];
  await createLoadTestUsers(product.postgres, { users, count: 12 }, testContext());
  expect(users).toHaveLength(12);
  const [busy] = users;
  await client.query(
    `insert into chat_sessions (user_id, id) select $1, gen_random_uuid() from generate_series(1, 1200)`,
    [busy?.userId],
  );
  const pages: number[] = [];
  const database: Database = {
    async query(statement, context) {
      const rows = await product.postgres.query(statement, context);
      if (statement.name === 'chat.erase_sessions') pages.push(rows.length);
      return rows;
    },
  };

  await eraseLoadTestUsers(database, users, testContext());
  expect(pages.filter((rows) => rows > 0)).toEqual([500, 500, 200]);
  const { rows } = await client.query('select from users where user_id = any ($1)', [users.map((user) => user.userId)]);
  expect(rows).toHaveLength(0);
});

test('users that were created before one statement failed are known', async () => {
  const product = await startProduct();
  onTestFinished(() => product.stop());
  let statements = 0;
  const database: Database = {
    async query(statement, context) {
      if (++statements > 1) throw new Error('away');
      return await product.postgres.query(statement, context);
    },
  };
  const users: UserWithKey[] = [];
  await expect(createLoadTestUsers(database, { users, count: 501 }, testContext())).rejects.toThrow('away');
  expect(users).toHaveLength(500);
});
