import { afterAll, beforeAll } from 'vitest';
import { createLogger } from '../../src/platform/log/index.ts';
import { openPostgres, type Postgres } from '../../src/platform/postgres/index.ts';
import { createTestDatabase, type TestDatabase } from './postgres.ts';

/** Gives the test file that calls it a database of its own and the product's way to it, from `beforeAll` to `afterAll`. */
export function useTestDatabase(): { database: TestDatabase; postgres: Postgres } {
  const [database, postgres] = [{} as TestDatabase, {} as Postgres];
  beforeAll(async () => {
    Object.assign(database, await createTestDatabase());
    Object.assign(postgres, openPostgres({ url: database.url, log: createLogger({ level: 'silent' }) }));
  });
  afterAll(async () => {
    await postgres.close?.();
    await database.drop?.();
  });
  return { database, postgres };
}
