import type { CallContext } from '../base/call-context.ts';
import type { Models } from '../core/models/index.ts';
import type { Readiness } from '../platform/http/index.ts';
import type { Postgres } from '../platform/postgres/index.ts';
import type { GuardedDatabase } from '../platform/resilience/index.ts';
import type { Callers } from './open-callers.ts';

/** How long the database has to answer, in milliseconds: readiness must flip within two seconds, probe and all. */
const PING_BUDGET_MS = 1_000;

/** Whether the server can serve, and how far away the database is. */
export interface Dependencies extends Readiness {
  /** A round trip to the database in milliseconds, with the wait for a connection; undefined when there was none. */
  readonly latencyMs: number | undefined;
}

/** Finds out how what the server depends on is, by the context's deadline and within a second. Never rejects. */
export type CheckDependencies = (context: CallContext) => Promise<Dependencies>;

const READ_ONLY = 'The database is read-only: what is in it can be read, and nothing stored.';

const databaseAway: Dependencies = {
  status: 'unavailable',
  reasons: ['The database does not answer.'],
  latencyMs: undefined,
};

/** What a server depends on. */
interface DependencyParts {
  readonly postgres: Pick<Postgres, 'ping'>;
  readonly database: Pick<GuardedDatabase, 'state'>;
  readonly callers: Pick<Callers, 'findTrouble'>;
  readonly models: Pick<Models, 'listFailing'>;
}

/** Makes the check of what a server depends on. Without a database it can serve nothing. */
export function createDependencyCheck(parts: DependencyParts): CheckDependencies {
  const { postgres, database, callers, models } = parts;
  return async (context) => {
    if (database.state() !== 'closed') return databaseAway;
    const deadline = context.deadline.shortenedTo(PING_BUDGET_MS);
    try {
      const answers = Promise.all([callers.findTrouble(), postgres.ping({ ...context, deadline })]);
      const [trouble, { isReadOnly, roundTripMs: latencyMs }] = await deadline.race(answers);
      const failing = models.listFailing().map((name) => `No target of the model "${name}" answers.`);
      const reasons = [...(isReadOnly ? [READ_ONLY] : []), ...trouble, ...failing];
      return { status: reasons.length === 0 ? 'ready' : 'degraded', reasons, latencyMs };
    } catch {
      return databaseAway;
    } finally {
      deadline.end();
    }
  };
}
