import type { DatabaseContext } from '../database-context.ts';
import { broken, type Check, fine } from '../finding.ts';

/** Whether the database takes writes. */
export const checkWrites: Check<DatabaseContext> = {
  name: 'writes',
  run({ server: { takesWrites } }) {
    if (takesWrites) return [fine('the database takes them')];
    return [
      broken(
        'the database is read-only: a standby, or default_transaction_read_only is on for it or for this role',
        'Set DATABASE_URL to the primary, or reset default_transaction_read_only by "alter database" or "alter role".',
      ),
    ];
  },
};
