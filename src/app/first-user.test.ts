import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { makeTestDirectory } from '../../test/harness/make-test-directory.ts';
import { createTestDatabase } from '../../test/harness/postgres.ts';
import { testContext } from '../../test/harness/test-context.ts';
import { findUserByKey, newSecret } from '../core/keys/index.ts';
import { createLogger } from '../platform/log/index.ts';
import { type Database, openPostgres, sql } from '../platform/postgres/index.ts';
import { ensureFirstUser } from './first-user.ts';

async function openEmptyDatabase(): Promise<Database> {
  const { url, drop } = await createTestDatabase();
  const postgres = openPostgres({ url, log: createLogger({ level: 'silent' }) });
  onTestFinished(async () => {
    await postgres.close();
    await drop();
  });
  return postgres;
}

/** The database of a server that waits for something after it has looked for users, or before it creates one. */
function waiting(database: Database, { afterLook = async () => {}, beforeInsert = async () => {} }): Database {
  return {
    async query(statement, context) {
      if (statement.name === 'keys.insert_users_with_keys') await beforeInsert();
      const rows = await database.query(statement, context);
      if (statement.name === 'keys.find_any_user') await afterLook();
      return rows;
    },
  };
}

/** Expects that the file is all there is in the directory, and holds the key of this user. */
async function expectWorkingKey(database: Database, directory: string, userId = 'nobody'): Promise<void> {
  expect(await readdir(directory)).toEqual(['dev-key']);
  const key = (await readFile(join(directory, 'dev-key'), 'utf8')).trim();
  expect(await findUserByKey(database, key, testContext())).toBe(userId);
}

it.each([
  ['first', 0],
  ['second', 1],
])('two servers that find no user keep the key that works when the %s creates the user', async (_, winner) => {
  const [database, directory] = [await openEmptyDatabase(), await makeTestDirectory()];
  const looked = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const written = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const created = Promise.withResolvers<void>();
  const meet = async (places: typeof looked, index: number): Promise<void> => {
    places[index]?.resolve();
    await Promise.all(places.map(({ promise }) => promise));
  };
  const start = async (index: number) => {
    const asServer = waiting(database, {
      afterLook: () => meet(looked, index),
      beforeInsert: async () => {
        await meet(written, index);
        if (index !== winner) await created.promise;
      },
    });
    const key = await ensureFirstUser(asServer, directory, testContext());
    if (index === winner) created.resolve();
    return key;
  };
  const keys = await Promise.all([start(0), start(1)]);
  expect(keys[winner]).toMatchObject({ isNew: true });
  expect(keys[1 - winner]).toBeUndefined();
  await expectWorkingKey(database, directory, keys[winner]?.userId);
});

it('a server whose key another one creates the user with leaves the file of it', async () => {
  const [database, directory] = [await openEmptyDatabase(), await makeTestDirectory()];
  let userId: string | undefined;
  const beforeInsert = async () => {
    userId = (await ensureFirstUser(database, directory, testContext()))?.userId;
  };
  expect(await ensureFirstUser(waiting(database, { beforeInsert }), directory, testContext())).toBeUndefined();
  await expectWorkingKey(database, directory, userId);
});

it('a server that another one with a directory of its own comes before keeps no key that works nowhere', async () => {
  const [database, own, others] = [await openEmptyDatabase(), await makeTestDirectory(), await makeTestDirectory()];
  const beforeInsert = async () => void (await ensureFirstUser(database, others, testContext()));
  expect(await ensureFirstUser(waiting(database, { beforeInsert }), own, testContext())).toBeUndefined();
  expect(await readdir(own)).toEqual([]);
});

it('a key of before the start stays when another server comes before it', async () => {
  const [database, own, others] = [await openEmptyDatabase(), await makeTestDirectory(), await makeTestDirectory()];
  const line = `${newSecret()}\n`;
  await writeFile(join(own, 'dev-key'), line);
  const beforeInsert = async () => void (await ensureFirstUser(database, others, testContext()));
  expect(await ensureFirstUser(waiting(database, { beforeInsert }), own, testContext())).toBeUndefined();
  expect(await readFile(join(own, 'dev-key'), 'utf8')).toBe(line);
});

const inAnHour = sql`
  -- test.expire_soon
  update api_keys set expires_at = now() + interval '1 hour'`;
const revoke = sql`
  -- test.revoke
  update api_keys set revoked_at = now()`;
const expire = sql`
  -- test.expire
  update api_keys set expires_at = now() - interval '1 second'`;
const disable = sql`
  -- test.disable
  update users set disabled_at = now()`;

it.each([
  ['is revoked', revoke],
  ['has expired', expire],
  ['is that of a disabled user', disable],
])('a kept key that %s is not offered, and stays; one that is to expire is offered', async (_, change) => {
  const [database, directory] = [await openEmptyDatabase(), await makeTestDirectory()];
  const made = await ensureFirstUser(database, directory, testContext());
  await database.query(inAnHour, testContext());
  expect(await ensureFirstUser(database, directory, testContext())).toEqual({ ...made, isNew: false });
  await database.query(change, testContext());
  expect(await ensureFirstUser(database, directory, testContext())).toBeUndefined();
  expect(await readFile(join(directory, 'dev-key'), 'utf8')).toBe(`${made?.secret}\n`);
});

it('what is no key is not overwritten, and the start says so', async () => {
  const [database, directory] = [await openEmptyDatabase(), await makeTestDirectory()];
  await writeFile(join(directory, 'dev-key'), 'mine');
  const start = ensureFirstUser(database, directory, testContext());
  await expect(start).rejects.toThrow('dev-key does not hold a key. Remove it');
  expect(await readFile(join(directory, 'dev-key'), 'utf8')).toBe('mine');
});
