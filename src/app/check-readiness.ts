import type { CallContext } from '../base/call-context.ts';
import type { CheckReadiness, Readiness } from '../platform/http/index.ts';
import type { Postgres } from '../platform/postgres/index.ts';
import type { GuardedDatabase } from '../platform/resilience/index.ts';
import type { Callers } from './open-callers.ts';

/** How long the database has to answer, in milliseconds: readiness must flip within two seconds, probe and all. */
const pingBudgetMs = 1_000;

const databaseAway: Readiness = { status: 'unavailable', reasons: ['The database does not answer.'] };

/** Makes the check of what a server depends on. Without a database it can serve nothing. */
export function createReadinessCheck(
  postgres: Postgres,
  guarded: GuardedDatabase,
  callers: Pick<Callers, 'findTrouble'>,
): CheckReadiness {
  return async (context: CallContext) => {
    if (guarded.state() !== 'closed') return databaseAway;
    const deadline = context.deadline.shortenedTo(pingBudgetMs);
    try {
      const [reasons] = await Promise.all([callers.findTrouble(), postgres.ping({ ...context, deadline })]);
      return { status: reasons.length === 0 ? 'ready' : 'degraded', reasons };
    } catch {
      return databaseAway;
    } finally {
      deadline.end();
    }
  };
}
