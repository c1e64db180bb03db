import type { DatabaseContext } from '../database-context.ts';
import { advice, broken, type Check, fine } from '../finding.ts';

/** Whether the schema is that of this code. */
export const checkSchema: Check<DatabaseContext> = {
  name: 'schema',
  run({ pendingMigrations: pending, server: { mayMigrate } }) {
    if (pending.length === 0) return [fine('all migrations have run')];
    const what = `${pending.length} migrations have not run: ${pending.slice(0, 3).join(', ')}${pending.length > 3 ? ', …' : ''}`;
    if (mayMigrate) return [advice(what, 'Run "evenkeel migrate", or start the server, which does so first.')];
    return [
      broken(
        `${what}; this role may not run them`,
        'Run "evenkeel migrate" with the owner of the schema in DATABASE_URL.',
      ),
    ];
  },
};
