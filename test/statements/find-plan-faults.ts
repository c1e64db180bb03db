import { type Client, escapeIdentifier } from 'pg';
import type { ListedStatement } from './list-statements.ts';

/** A node of a plan, as EXPLAIN (format json, verbose) gives it; what is read here. */
interface PlanNode {
  readonly 'Node Type': string;
  readonly Schema?: string;
  readonly 'Relation Name'?: string;
  readonly 'Index Name'?: string;
  readonly 'Conflict Arbiter Indexes'?: readonly string[];
  readonly Operation?: string;
  readonly Plans?: readonly PlanNode[];
}

/** What a plan goes over. */
interface PlanUse {
  readonly indexes: Set<string>;
  /** Read from end to end, as `schema.table`. */
  readonly scannedTables: Set<string>;
  /** Rows of these are deleted, as `schema.table`. */
  readonly deletedFrom: Set<string>;
}

/** A table that is smaller than this, in rows, is read whole as fast as by an index. */
const SMALL_TABLE_ROWS = 1_000;

/** How many callers share a statement: one alone, and a well-filled batch. */
const batchSizes = [1, 100];

/** A value of each type that statements take, among those that the tables are filled with. */
const examples: Record<string, string> = {
  uuid: `'00000001-0000-0000-0000-000000000001'`,
  text: `'user-1'`,
  bytea: `sha256('1')`,
  inet: `'192.0.2.1'`,
  boolean: `true`,
  smallint: `50`,
  integer: `50`,
  bigint: `50`,
  'double precision': `50`,
  real: `50`,
  numeric: `50`,
  json: `'[]'`,
  jsonb: `'{}'`,
  date: `'2026-01-01'`,
  'time without time zone': `'06:00'`,
  'timestamp without time zone': `'2026-01-01 06:00:00'`,
  interval: `'1 hour'`,
  'timestamp with time zone': `'2026-01-01 06:00:00+00'`,
};

const nothing = (): PlanUse => ({ indexes: new Set(), scannedTables: new Set(), deletedFrom: new Set() });

/** Takes down what a plan goes over; of what is Postgres's own, nothing: its plans differ from version to version. */
function collect(node: PlanNode, use: PlanUse): PlanUse {
  const table = `${node.Schema}.${node['Relation Name']}`;
  if (node['Node Type'] === 'Seq Scan' && node.Schema !== 'pg_catalog') use.scannedTables.add(table);
  if (node.Operation === 'Delete') use.deletedFrom.add(table);
  if (node['Index Name']?.startsWith('pg_') === false) use.indexes.add(node['Index Name']);
  for (const index of node['Conflict Arbiter Indexes'] ?? []) use.indexes.add(index);
  for (const inner of node.Plans ?? []) collect(inner, use);
  return use;
}

async function explain(client: Client, command: string): Promise<PlanUse> {
  const { rows } = await client.query(command);
  return collect(rows[0]['QUERY PLAN'][0].Plan, nothing());
}

/** The plan for any values, and those that Postgres makes for the values of one caller and of many. */
async function explainAll(client: Client, text: string): Promise<{ generic: PlanUse; custom: PlanUse[] }> {
  const generic = await explain(client, `explain (generic_plan, verbose, format json) ${text}`);
  await client.query(`prepare explained as ${text}`);
  try {
    const { rows } = await client.query<{ types: string[] }>(
      `select parameter_types::text[] as types from pg_prepared_statements where name = 'explained'`,
    );
    const types = rows[0]?.types ?? [];
    const custom: PlanUse[] = [];
    await client.query('set plan_cache_mode = force_custom_plan');
    for (const elements of batchSizes) {
      const values = types.map((type) => exampleOf(type, elements)).join(', ');
      const execution = `execute explained${values && ` (${values})`}`;
      custom.push(await explain(client, `explain (verbose, format json) ${execution}`));
    }
    return { generic, custom };
  } finally {
    await client.query('deallocate explained');
  }
}

function exampleOf(type: string, elements: number): string {
  const element = type.replace('[]', '');
  const example = examples[element];
  if (example === undefined) throw new Error(`There is no example of a ${type}: add one.`);
  return element === type ? example : `array_fill(${example}::${element}, array[${elements}])`;
}

/** What Postgres itself looks through when rows of these tables are deleted: those that refer to them, and so on down. */
async function explainCascade(client: Client, tables: Iterable<string>): Promise<PlanUse> {
  const use = nothing();
  const emptied = [...tables];
  // Grows while it is gone through.
  for (const table of emptied) {
    const { rows } = await client.query<{ child: string; columns: string[] }>(
      `select format('%s.%s', n.nspname, c.relname) as child, array(
          select a.attname::text from unnest(k.conkey) with ordinality as key (number, place)
          join pg_attribute a on a.attrelid = k.conrelid and a.attnum = key.number order by key.place) as columns
        from pg_constraint k join pg_class c on c.oid = k.conrelid join pg_namespace n on n.oid = c.relnamespace
        where k.contype = 'f' and k.confrelid = $1::regclass and k.conparentid = 0`,
      [table],
    );
    for (const { child, columns } of rows) {
      const condition = columns.map((column, index) => `${escapeIdentifier(column)} = $${index + 1}`).join(' and ');
      const { rows: plans } = await client.query(
        `explain (generic_plan, verbose, format json) select from ${child} where ${condition}`,
      );
      collect(plans[0]['QUERY PLAN'][0].Plan, use);
      if (!emptied.includes(child)) emptied.push(child);
    }
  }
  return use;
}

/**
 * What is wrong with the plans of a statement, on the tables as they are filled; empty when all is well.
 *
 * No plan reads a table of more than a thousand rows from end to end. Every index that a plan uses is named in the
 * statement's doc comment, and every index that is named there is used: by the plan for any values, or by the search for
 * what a DELETE takes with it (which need not be named).
 */
export async function findPlanFaults(
  client: Client,
  { text, indexes }: Pick<ListedStatement, 'text' | 'indexes'>,
): Promise<string[]> {
  const { generic, custom } = await explainAll(client, text);
  const cascade = await explainCascade(client, generic.deletedFrom);
  const parents = await listPartitionIndexes(client);
  const parentOf = (index: string): string => parents.get(index) ?? index;
  const used = new Set(unite([generic, ...custom], ({ indexes }) => indexes).map(parentOf));
  const relied = new Set(unite([generic, cascade], ({ indexes }) => indexes).map(parentOf));
  const scanned = await listLarge(
    client,
    unite([generic, ...custom, cascade], ({ scannedTables }) => scannedTables),
  );
  return [
    ...scanned.map((table) => `reads all of ${table}`),
    ...[...used]
      .filter((index) => !indexes.includes(index))
      .map((index) => `uses ${index}, which its comment does not name`),
    ...indexes.filter((index) => !relied.has(index)).map((index) => `names ${index} and does not use it`),
  ];
}

/** What is in any of the plans' sets, once. */
function unite(plans: readonly PlanUse[], pick: (plan: PlanUse) => Set<string>): string[] {
  return [...new Set(plans.flatMap((plan) => [...pick(plan)]))];
}

/** The index of a partition, and the index of the partitioned table that it is part of. */
async function listPartitionIndexes(client: Client): Promise<Map<string, string>> {
  const { rows } = await client.query<{ part: string; whole: string }>(
    `select c.relname as part, parent.relname as whole
      from pg_index i join pg_inherits h on h.inhrelid = i.indexrelid
      join pg_class c on c.oid = h.inhrelid join pg_class parent on parent.oid = h.inhparent`,
  );
  return new Map(rows.map(({ part, whole }) => [part, whole]));
}

/** The tables that the plan for any values, which connections keep, reads from end to end, however small they are. */
export async function findWholeReads(client: Client, text: string): Promise<string[]> {
  const { scannedTables } = await explain(client, `explain (generic_plan, verbose, format json) ${text}`);
  return [...scannedTables];
}

/** Whether the plan for any values, which connections keep, reads and sorts all that it then takes a page of. */
export async function sortsForPage(client: Client, text: string): Promise<boolean> {
  const { rows } = await client.query(`explain (generic_plan, format json) ${text}`);
  const { Plan: plan }: { Plan: PlanNode } = rows[0]['QUERY PLAN'][0];
  return plan['Node Type'] === 'Limit' && plan.Plans?.[0]?.['Node Type'] === 'Sort';
}

async function listLarge(client: Client, tables: readonly string[]): Promise<string[]> {
  const { rows } = await client.query<{ name: string }>(
    `select name from unnest($1::text[]) as input (name) join pg_class c on c.oid = name::regclass
      where c.reltuples > $2`,
    [tables, SMALL_TABLE_ROWS],
  );
  return rows.map(({ name }) => name);
}

/** Our indexes, but those of primary keys and other constraints, that none of the statements names. */
export async function findUnusedIndexes(
  client: Client,
  statements: readonly { indexes: readonly string[] }[],
): Promise<string[]> {
  const { rows } = await client.query<{ name: string }>(
    `select c.relname as name from pg_index i join pg_class c on c.oid = i.indexrelid join pg_namespace n on n.oid = c.relnamespace
      where n.nspname not in ('pg_catalog', 'pg_toast', 'information_schema') and not i.indisprimary and not c.relispartition
        -- What the library of jobs brings along serves its own statements.
        and c.relname not in ('jobs_main_index', 'jobs_no_queue_index')
        and not exists (select from pg_constraint k where k.conindid = i.indexrelid)
      order by 1`,
  );
  const named = new Set(statements.flatMap(({ indexes }) => indexes));
  return rows.map(({ name }) => name).filter((name) => !named.has(name));
}
