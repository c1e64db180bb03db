import type { DatabaseContext } from '../database-context.ts';
import { advice, type Check, fine } from '../finding.ts';

/** Whether the schema is that of this code. */
export const checkSchema: Check<DatabaseContext> = {
  name: 'schema',
  run({ pendingMigrations: pending }) {
    if (pending.length === 0) return [fine('all migrations have run')];
    return [
      advice(
        `${pending.length} migrations have not run: ${pending.slice(0, 3).join(', ')}${pending.length > 3 ? ', …' : ''}`,
        'Run "evenkeel migrate", or start the server, which does so first.',
      ),
    ];
  },
};
