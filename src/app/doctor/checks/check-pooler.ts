import type { DatabaseContext } from '../database-context.ts';
import { advice, type Check, fine } from '../finding.ts';

/** What a pooler that works must be told beside. That none is in the way that must not be is seen before. */
export const checkPooler: Check<DatabaseContext> = {
  name: 'pooler',
  run({ config: { database }, instances, isPooled, server: { statementTimeoutMs } }) {
    if (!isPooled) return [fine('none between the server and the database')];
    const clients = instances * (database.poolSize + database.poolOverflow);
    const what = `requests go through one; it must take ${clients} clients (max_client_conn)`;
    if (statementTimeoutMs > 0 && statementTimeoutMs >= database.statementBudgetMs) return [fine(what)];
    const trouble =
      statementTimeoutMs === 0
        ? 'the role has no statement_timeout, and a pooler passes none on: what a server that died was waiting for runs on'
        : `the role's statement_timeout of ${statementTimeoutMs} ms ends statements before DATABASE_STATEMENT_BUDGET_MS (${database.statementBudgetMs}) does`;
    return [
      advice(
        `${what}; ${trouble}`,
        `alter role <role> set statement_timeout = '${database.statementTimeoutMs}ms'; and what docs/guides/pgbouncer.md says.`,
      ),
    ];
  },
};
