import { newId } from '../../src/base/ids.ts';
import { type Database, sql } from '../../src/platform/postgres/index.ts';
import { testContext } from './test-context.ts';

/** Stores a user who has no key; answers the id. */
export async function insertUser(database: Database): Promise<string> {
  const userId = newId();
  const insert = sql`
    -- test.insert_user
    insert into users (user_id, username) values (${userId}, ${userId})`;
  await database.query(insert, testContext());
  return userId;
}
