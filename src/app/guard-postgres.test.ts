import { expect, test } from 'vitest';
import { sampleOf } from '../../test/harness/sample-of.ts';
import { testContext } from '../../test/harness/test-context.ts';
import { systemClock } from '../base/time.ts';
import { loadConfig } from '../platform/config/index.ts';
import { createLogger } from '../platform/log/index.ts';
import { type Postgres, sql } from '../platform/postgres/index.ts';
import { guardPostgres } from './guard-postgres.ts';
import { createServerMetrics } from './metrics/server-metrics.ts';

const statement = sql<object>`
  -- test.hang
  select 1 as one`;

test.each([
  [20, 10, 27],
  [1, 0, 1],
])(
  'of a pool of %i and %i more, statements of one name have %i; who waits for longer than for a connection is refused',
  async (poolSize, overflow, places) => {
    const { database: config } = loadConfig({
      DATABASE_POOL_SIZE: String(poolSize),
      DATABASE_POOL_OVERFLOW: String(overflow),
      DATABASE_POOL_WAIT_MS: '20',
      DATABASE_STATEMENT_BUDGET_MS: '200',
    });
    let running = 0;
    const postgres = {
      query: async (_statement: object, { deadline }: ReturnType<typeof testContext>) => {
        running++;
        return await deadline.race(new Promise(() => {}));
      },
    } as unknown as Postgres;
    const metrics = createServerMetrics();
    const database = guardPostgres(postgres, {
      config,
      clock: systemClock,
      log: createLogger({ level: 'silent' }),
      metrics,
    });
    const asked = Array.from({ length: 30 }, () => database.query(statement, testContext()).catch(({ code }) => code));
    const codes = await Promise.all(asked);
    database.close();
    expect(running).toBe(places);
    expect(codes.filter((code) => code === 'postgres.timeout')).toHaveLength(places);
    expect(codes.filter((code) => code === 'postgres.overloaded')).toHaveLength(30 - places);
    const text = await metrics.registry.metrics();
    expect(sampleOf(text, 'evenkeel_statement_refused_total{statement="test.hang"}')).toBe(30 - places);
  },
);
