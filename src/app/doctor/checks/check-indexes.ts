import type { DatabaseContext } from '../database-context.ts';
import { advice, broken, type Check, fine, type Observation } from '../finding.ts';
import { listIndexCreations, listNeededIndexes } from '../needed-indexes.ts';
import { type IndexRow, listIndexes } from '../queries.ts';

/** A smaller table, in rows, is read whole as fast as by an index. */
const SMALL_TABLE_ROWS = 10_000;
/** So often a large table is read whole by backups and by people too. */
const USUAL_SCANS = 100;

const REBUILD_CONSTRAINT =
  'It belongs to a primary key or another constraint: bring that back as it is in a database made by "evenkeel migrate".';

const quoted = (row: IndexRow): string => `"${row.schema_name}"."${row.index_name}"`;

const neededBy = (statements: readonly string[]): string =>
  `which ${statements.join(', ')} ${statements.length === 1 ? 'relies' : 'rely'} on`;

function examineNeeded(row: IndexRow, statements: readonly string[]): Observation[] {
  const relying = neededBy(statements);
  if (!row.is_valid) {
    return [
      broken(
        `${row.index_name}, ${relying}, is not valid: its making failed, or goes on`,
        `reindex index concurrently ${quoted(row)};`,
      ),
    ];
  }
  const { table_name: table, table_rows: rows, table_scans: scans } = row;
  if (row.scans > 0 || rows < SMALL_TABLE_ROWS || scans < USUAL_SCANS) return [];
  return [
    advice(
      `${row.index_name}, ${relying}, was never used, and ${table} (${Math.round(rows)} rows) was read whole ${scans} times`,
      `analyze "${row.schema_name}"."${table}"; and if that changes nothing, look at the plans with EXPLAIN.`,
    ),
  ];
}

function examineOther(row: IndexRow): Observation[] {
  const drop = `drop index concurrently ${quoted(row)};`;
  if (!row.is_valid) return [advice(`${row.index_name} is not valid, and no statement of ours needs it`, drop)];
  // A unique one may be there for what it forbids.
  if (row.is_unique || row.scans > 0 || row.table_rows < SMALL_TABLE_ROWS) return [];
  return [
    advice(
      `${row.index_name} on ${row.table_name} was never used and slows writes; no statement of ours needs it`,
      drop,
    ),
  ];
}

/** Whether every index that our statements rely on is there, valid and used, and which ones serve nothing. */
export const checkIndexes: Check<DatabaseContext> = {
  name: 'indexes',
  async run({ direct, pendingMigrations }) {
    const [needed, creations, rows] = await Promise.all([
      listNeededIndexes(),
      listIndexCreations(),
      direct.ask(listIndexes()),
    ]);
    const present = new Set(rows.map((row) => row.index_name));
    // Those of migrations that have yet to run are not missed.
    const missing = pendingMigrations.length > 0 ? [] : [...needed].filter(([index]) => !present.has(index));
    const faults = [
      ...missing.map(([index, statements]) =>
        broken(`${index} is missing, ${neededBy(statements)}`, creations.get(index) ?? REBUILD_CONSTRAINT),
      ),
      ...rows.flatMap((row) => {
        const statements = needed.get(row.index_name);
        return statements === undefined ? examineOther(row) : examineNeeded(row, statements);
      }),
    ];
    if (faults.length > 0) return faults;
    if (pendingMigrations.length > 0)
      return [fine('looked for when all migrations have run; those that there are are valid')];
    return [fine(`all ${needed.size} that the statements rely on are there and valid`)];
  },
};
