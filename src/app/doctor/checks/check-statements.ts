import { INSUFFICIENT_PRIVILEGE, sqlState, UNDEFINED_TABLE } from '../../../platform/postgres/index.ts';
import type { DatabaseContext } from '../database-context.ts';
import { advice, type Check, fine } from '../finding.ts';
import { listSlowStatements } from '../queries.ts';

/** A statement takes about a millisecond by an index; one that takes so long holds one of few connections for as long. */
const SLOW_MS = 100;

/** No such view; the library is not loaded; not for this role. */
const NOT_THERE = new Set([UNDEFINED_TABLE, '55000', INSUFFICIENT_PRIVILEGE]);

/** Which statements are slow, as the database itself measured. */
export const checkStatements: Check<DatabaseContext> = {
  name: 'statements',
  async run({ direct }) {
    try {
      const rows = await direct.ask(listSlowStatements());
      const slow = rows.filter(({ mean_ms: meanMs }) => meanMs >= SLOW_MS);
      const slowestMs = rows[0]?.mean_ms;
      if (slow.length === 0) {
        return [
          fine(slowestMs === undefined ? 'none has run often yet' : `the slowest takes ${slowestMs.toFixed(1)} ms`),
        ];
      }
      return slow.map(({ text, calls, mean_ms: meanMs }) =>
        advice(
          `${Math.round(meanMs)} ms on average, ${calls} times: ${text}`,
          'Look at its plan with EXPLAIN (analyze, buffers); "analyze" the tables it reads.',
        ),
      );
    } catch (error) {
      if (!NOT_THERE.has(sqlState(error) ?? '')) throw error;
      return [fine('not measured; with "create extension pg_stat_statements" the slowest are named here')];
    }
  },
};
