import type { DatabaseContext } from '../database-context.ts';
import { advice, broken, type Check, fine } from '../finding.ts';

/** What a pooler that works must be told beside. That none is in the way that must not be is seen before. */
export const checkPooler: Check<DatabaseContext> = {
  name: 'pooler',
  run({ config: { database }, instances, isPooled, server }) {
    if (!isPooled) return [fine('none between the server and the database')];
    if (!server.suits_plain_sessions)
      return [
        broken(
          'requests go through one, which passes on no search_path and no datestyle, and those of the role are not public and ISO',
          `alter role <role> set search_path = 'public'; alter role <role> set datestyle = 'ISO';`,
        ),
      ];
    const clients = instances * (database.poolSize + database.poolOverflow);
    const what = `requests go through one; it must take ${clients} clients (max_client_conn)`;
    const { statement_timeout_ms: statementTimeoutMs } = server;
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
