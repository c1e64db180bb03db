import { type Database, sql } from '../../src/platform/postgres/index.ts';
import { testContext } from './test-context.ts';

/** Disables a user as another server does: the servers are told. */
export async function disableUser(database: Database, { userId }: { readonly userId: string }): Promise<void> {
  const disable = sql`
    -- test.disable_user
    with touched as (
      update users set disabled_at = now(), auth_version = auth_version + 1 where user_id = ${userId}
      returning user_id, auth_version
    )
    select pg_notify('evenkeel_users', user_id || ':' || auth_version) from touched`;
  await database.query(disable, testContext());
}
