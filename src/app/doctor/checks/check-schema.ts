import type { DatabaseContext } from '../database-context.ts';
import { advice, broken, type Check, fine, firstOf, type Observation } from '../finding.ts';

const counted = ({ length }: readonly string[]): string => (length === 1 ? '1 migration' : `${length} migrations`);
const have = ({ length }: readonly string[]): string => (length === 1 ? 'has' : 'have');

function tellPending(pending: readonly string[], mayMigrate: boolean): Observation {
  const what = `${counted(pending)} ${have(pending)} not run: ${firstOf(pending)}`;
  return mayMigrate
    ? advice(what, 'Run "evenkeel migrate", or start the server, which does so first.')
    : broken(
        `${what}; this role may not run them`,
        'Run "evenkeel migrate" with the owner of the schema in DATABASE_URL.',
      );
}

/** Whether the schema is that of this code. */
export const checkSchema: Check<DatabaseContext> = {
  name: 'schema',
  run({ pendingMigrations: pending, laterMigrations: later, server }) {
    const seen: Observation[] = [];
    if (pending.length > 0) seen.push(tellPending(pending, server.may_migrate));
    if (later.length > 0)
      seen.push(
        advice(
          `${counted(later)} of a later version ${have(later)} run: ${firstOf(later)}`,
          'Bring this machine to that version, as soon as all servers are to have it.',
        ),
      );
    return seen.length === 0 ? [fine('all migrations have run')] : seen;
  },
};
