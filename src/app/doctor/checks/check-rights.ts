import { findAssistants } from '../../assistants/find-assistants.ts';
import type { DatabaseContext } from '../database-context.ts';
import { broken, type Check, fine, firstOf } from '../finding.ts';
import { listNeededIndexes } from '../needed-indexes.ts';
import { listForbiddenTables } from '../queries.ts';

/** Whether the role of requests may read and write every table. After a restore as somebody else it may not. */
export const checkRights: Check<DatabaseContext> = {
  name: 'rights',
  async run({ requests, pendingMigrations }) {
    // Migrations are to make tables first.
    if (pendingMigrations.length > 0) return [];
    // Others have tables with an index such as users_pkey too: Supabase in its schema auth.
    const ours = ['public', 'graphile_worker', ...(await findAssistants()).map(({ name }) => name)];
    const indexes = [...(await listNeededIndexes()).keys()];
    const forbidden = await requests.ask(listForbiddenTables({ schemas: ours, indexes }));
    const [first] = forbidden;
    if (first === undefined) return [fine('this role may read and write every table')];
    const schemas = [...new Set(forbidden.map((row) => row.schema_name))].join(', ');
    const grants = [
      'usage on schema',
      'select, insert, update, delete on all tables in schema',
      'usage on all sequences in schema',
    ];
    return [
      broken(
        `this role may not read and write ${firstOf(forbidden.map((row) => row.table_name))}`,
        `As their owner: ${grants.map((grant) => `grant ${grant} ${schemas} to ${first.role_name};`).join(' ')}`,
      ),
    ];
  },
};
