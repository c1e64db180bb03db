import type { DatabaseContext } from '../database-context.ts';
import { advice, type Check, fine } from '../finding.ts';
import { listNeglectedTables } from '../queries.ts';

/** Whether tables are vacuumed and analyzed. */
export const checkVacuum: Check<DatabaseContext> = {
  name: 'vacuum',
  async run({ direct, server }) {
    const neglected = (await direct.ask(listNeglectedTables())).map((row) =>
      advice(
        `${row.table_name} has ${row.live_rows} rows and ${row.dead_rows} dead ones, and was not vacuumed or never analyzed`,
        `vacuum (analyze) "${row.schema_name}"."${row.table_name}"; and see why autovacuum does not come to it.`,
      ),
    );
    const off = server.autovacuum
      ? []
      : [advice('autovacuum is off', 'alter system set autovacuum = on; select pg_reload_conf();')];
    const faults = [...off, ...neglected];
    return faults.length > 0 ? faults : [fine('no table is neglected')];
  },
};
