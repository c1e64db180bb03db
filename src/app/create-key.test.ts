import { describe, expect, it } from 'vitest';
import { disableUser } from '../../test/harness/disable-user.ts';
import { testContext } from '../../test/harness/test-context.ts';
import { useTestDatabase } from '../../test/harness/test-database.ts';
import { beginErasing } from '../core/accounts/queries.ts';
import { createUserWithKey, findUserByKey } from '../core/keys/index.ts';
import { loadConfig } from '../platform/config/index.ts';
import { createLogger } from '../platform/log/index.ts';
import { sql } from '../platform/postgres/index.ts';
import { createKey } from './create-key.ts';

const log = createLogger({ level: 'silent' });
const longest = `a${'b'.repeat(38)}c`;

const { database, postgres } = useTestDatabase();

const create = (username: string, name = 'ci') =>
  createKey(loadConfig({ DATABASE_URL: database.url }), log, { username, name });

async function listUsers(): Promise<{ user_id: string; username: string; keys: string[] }[]> {
  return await postgres.query(
    sql<{ user_id: string; username: string; keys: string[] }>`
      -- test.list_users
      select user_id, username, array(select name from api_keys k where k.user_id = u.user_id order by name) as keys
      from users u order by username`,
    testContext(),
  );
}

describe('a key on the command line', () => {
  it('is made for a user who is new, and for the same one again', async () => {
    const keys = [await create(longest, 'x'.repeat(100)), await create(longest, 'y')];
    const [user, ...others] = await listUsers();
    expect([user?.username, user?.keys, others]).toEqual([longest, ['x'.repeat(100), 'y'], []]);
    for (const key of keys) expect(await findUserByKey(postgres, key, testContext())).toBe(user?.user_id);
  });

  it.each(['', 'ab', `${longest}d`, 'Ann Smith', 'ann\n', '-ann', 'erased-019a0000-0000-7000-8000-000000000000'])(
    'makes no user of a name that nobody could choose: %j',
    async (username) => {
      const before = await listUsers();
      await expect(create(username)).rejects.toThrow(/3 to 40 of a-z, 0-9, dot, hyphen and underscore/);
      expect(await listUsers()).toEqual(before);
    },
  );

  it.each(['', 'x'.repeat(101)])('takes no name that the interface does not take: %j', async (name) => {
    const before = await listUsers();
    await expect(create('newcomer', name)).rejects.toThrow(/1 to 100 characters/);
    expect(await listUsers()).toEqual(before);
  });

  it('is made for a user of an earlier version, whatever the name', async () => {
    const old = await createUserWithKey(postgres, { username: 'Ann Smith', plan: 'free', name: 'x' }, testContext());
    expect(await findUserByKey(postgres, await create('Ann Smith'), testContext())).toBe(old?.userId);
  });

  it('is not made for a user who is being erased', async () => {
    const gone = await createUserWithKey(postgres, { username: 'gone', plan: 'free', name: 'x' }, testContext());
    const userId = gone?.userId ?? '';
    await postgres.query(beginErasing({ userId }), testContext());
    await expect(create(`erased-${userId}`)).rejects.toThrow(/3 to 40/);
    expect((await listUsers()).find((user) => user.user_id === userId)?.keys).toEqual([]);
  });

  it('is not made for a user who is disabled, whose keys are refused', async () => {
    const user = await createUserWithKey(postgres, { username: 'disabled', plan: 'free', name: 'x' }, testContext());
    await disableUser(postgres, { userId: user?.userId ?? '' });
    await expect(create('disabled')).rejects.toThrow(`PATCH /admin/users/${user?.userId} {"disabled": false}`);
    expect((await listUsers()).find(({ username }) => username === 'disabled')?.keys).toEqual(['x']);
  });
});
