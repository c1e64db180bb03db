import { TAKE_WRITES } from '../../advise-on-database.ts';
import type { DatabaseContext } from '../database-context.ts';
import { advice, broken, type Check, fine } from '../finding.ts';

/** Whether the database takes writes, and keeps them. */
export const checkWrites: Check<DatabaseContext> = {
  name: 'writes',
  run({ server: { takes_writes: takesWrites, keeps_answered: keepsAnswered } }) {
    if (takesWrites && keepsAnswered) return [fine('the database takes them')];
    if (takesWrites)
      return [
        advice(
          'a crash of the database loses what was answered just before: synchronous_commit is off',
          'Reset synchronous_commit by "alter database" or "alter role", or set it to on in postgresql.conf.',
        ),
      ];
    return [
      broken(
        'the database is read-only: a standby, or default_transaction_read_only is on for it or for this role',
        TAKE_WRITES,
      ),
    ];
  },
};
