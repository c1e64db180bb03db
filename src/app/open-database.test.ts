import { expect, test } from 'vitest';
import { loadConfig } from '../platform/config/index.ts';
import { poolOptionsOf } from './open-database.ts';

test('what is configured of the pool has the names that the pool knows', () => {
  const { database } = loadConfig({
    DATABASE_POOL_SIZE: '1',
    DATABASE_POOL_OVERFLOW: '2',
    DATABASE_POOL_WAIT_MS: '3',
    DATABASE_CONNECT_TIMEOUT_MS: '4',
    DATABASE_STATEMENT_BUDGET_MS: '5000',
    DATABASE_CONNECTION_MAX_AGE_SECONDS: '6',
  });
  expect(poolOptionsOf(database)).toEqual({
    poolSize: 1,
    poolOverflow: 2,
    poolWaitMs: 3,
    connectTimeoutMs: 4,
    statementTimeoutMs: 5_500,
    maxAgeSeconds: 6,
  });
});
