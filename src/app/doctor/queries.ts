import { sql } from '../../platform/postgres/index.ts';

/** An index of a table that is not Postgres's own. */
export interface IndexRow {
  schema_name: string;
  table_name: string;
  index_name: string;
  /** Whether plans can use it. */
  is_valid: boolean;
  is_unique: boolean;
  scans: number;
  /** As far as Postgres knows. */
  table_rows: number;
  /** How often the table was read from end to end. */
  table_scans: number;
}

/** The clock of the database, in milliseconds since 1970. Touches no table. One row. */
export const readClock = () => sql<{ now_ms: number }>`
  -- doctor.read_clock
  select coalesce((extract(epoch from clock_timestamp()) * 1000)::float8, 0) as now_ms`;

/** What the database server says of itself. */
export interface ServerRow {
  version: string;
  /** As 180004. */
  version_number: number;
  /** Connections that this role may have open in this database. */
  places: number;
  /** By which the server ends a statement of a session that has set none; 0 for never. */
  statement_timeout_ms: number;
  autovacuum: boolean;
  /** Not while it is a standby, or sessions are to be read-only. */
  takes_writes: boolean;
  /** Whether what it has answered outlives a crash of it. */
  keeps_answered: boolean;
  /** Of characters, as UTF8. */
  encoding: string;
  /** Whether it knows upper and lower case beyond a to z. */
  knows_case: boolean;
  /** Whether sessions that are given no settings, as by a pooler, find the schema public and write times as we read them. */
  suits_plain_sessions: boolean;
  /** Whether this role may make the schema, or change what there is of it. */
  may_migrate: boolean;
  /** Those of ours that run on it. */
  servers: number;
}

/**
 * What the database server is, what it allows this role in this database, and how many of our servers run: each has one
 * connection that listens to changes of users. Reads the catalog alone. One row.
 */
export const readServer = () => sql<ServerRow>`
  -- doctor.read_server
  select coalesce(current_setting('server_version'), '') as version,
    coalesce(current_setting('server_version_num')::integer, 0) as version_number,
    coalesce(least(
      current_setting('max_connections')::integer - current_setting('superuser_reserved_connections')::integer
        - coalesce(current_setting('reserved_connections', true)::integer, 0),
      nullif(r.rolconnlimit, -1), nullif(d.datconnlimit, -1)
    ), 0) as places,
    coalesce((extract(epoch from current_setting('statement_timeout')::interval) * 1000)::float8, 0) as statement_timeout_ms,
    coalesce(current_setting('autovacuum')::boolean, false) as autovacuum,
    not coalesce(current_setting('transaction_read_only')::boolean, true) as takes_writes,
    coalesce(current_setting('synchronous_commit') <> 'off', true) as keeps_answered,
    coalesce(pg_encoding_to_char(d.encoding)::text, '') as encoding,
    coalesce(lower(chr(letter.code)) = chr(letter.code + 32), false) as knows_case,
    coalesce('public' = any(current_schemas(false)) and current_setting('datestyle') like 'ISO%', false) as suits_plain_sessions,
    coalesce((
      case when m.oid is null then has_database_privilege(d.oid, 'create') and has_schema_privilege('public', 'create')
      else pg_has_role(m.relowner, 'usage') end
    )::boolean, false) as may_migrate,
    coalesce((select count(*)::integer from pg_stat_activity a
      where a.datname = d.datname and a.application_name = 'evenkeel notifications evenkeel_users'), 0) as servers
  from pg_roles r, pg_database d left join pg_class m on m.oid = to_regclass('public.evenkeel_migrations')
    -- "Ä"; "A" where "Ä" may have no code: chr fails then.
    cross join lateral (select case pg_encoding_to_char(d.encoding) when 'UTF8' then 196 else 65 end as code) as letter
  where r.rolname = current_user and d.datname = current_database()`;

/**
 * The tables of these schemas with one of these indexes that this role may not read and write. Names as SQL writes them, but
 * for that of the table. Reads the catalog alone. A row each.
 */
export const listForbiddenTables = (p: { schemas: readonly string[]; indexes: readonly string[] }) => sql<{
  role_name: string;
  schema_name: string;
  table_name: string;
}>`
  -- doctor.list_forbidden_tables
  select distinct coalesce(quote_ident(current_user), '') as role_name, coalesce(quote_ident(n.nspname::text), '') as schema_name,
    t.relname::text as table_name
  from pg_class c join pg_index i on i.indexrelid = c.oid join pg_class t on t.oid = i.indrelid
  join pg_namespace n on n.oid = t.relnamespace
  where n.nspname = any(${p.schemas}::text[]) and c.relname = any(${p.indexes}::text[]) and not (
    has_schema_privilege(n.oid, 'usage') and has_table_privilege(t.oid, 'select') and has_table_privilege(t.oid, 'insert')
    and has_table_privilege(t.oid, 'update') and has_table_privilege(t.oid, 'delete'))
  order by schema_name, table_name`;

/** The migrations that have run. Reads all of a small table. A row each. */
export const listAppliedMigrations = () => sql<{ name: string }>`
  -- doctor.list_applied_migrations
  select name from public.evenkeel_migrations`;

/**
 * Every index that is not Postgres's own; those of partitions count to the one they are part of. Reads the catalog alone. A
 * row each.
 */
export const listIndexes = () => sql<IndexRow>`
  -- doctor.list_indexes
  select n.nspname::text as schema_name, t.relname::text as table_name, c.relname::text as index_name,
    i.indisvalid and i.indisready as is_valid, i.indisunique as is_unique, used.scans,
    coalesce(greatest(t.reltuples, 0)::float8, 0) as table_rows, coalesce(s.seq_scan, 0)::float8 as table_scans
  from pg_index i
  join pg_class c on c.oid = i.indexrelid
  join pg_class t on t.oid = i.indrelid
  join pg_namespace n on n.oid = t.relnamespace
  left join pg_stat_user_tables s on s.relid = i.indrelid
  cross join lateral (
    select coalesce(sum(u.idx_scan), 0)::float8 as scans from pg_stat_user_indexes u
    where u.indexrelid = i.indexrelid or u.indexrelid in (select h.inhrelid from pg_inherits h where h.inhparent = i.indexrelid)
  ) used
  where n.nspname not in ('pg_catalog', 'pg_toast', 'information_schema') and not c.relispartition`;

/**
 * Tables that vacuum has left alone: with many rows that are gone but take room, not vacuumed for a day, or with many rows
 * and never analyzed. Reads the catalog alone. At most twenty rows, the worst first.
 */
export const listNeglectedTables = () => sql<{
  schema_name: string;
  table_name: string;
  live_rows: number;
  dead_rows: number;
}>`
  -- doctor.list_neglected_tables
  select coalesce(schemaname::text, '') as schema_name, coalesce(relname::text, '') as table_name,
    coalesce(n_live_tup, 0)::float8 as live_rows, coalesce(n_dead_tup, 0)::float8 as dead_rows
  from pg_stat_user_tables
  where n_dead_tup > 10000 and n_dead_tup > 0.2 * n_live_tup
      and coalesce(greatest(last_vacuum, last_autovacuum), '-infinity') < now() - interval '1 day'
    or n_live_tup > 10000 and last_analyze is null and last_autoanalyze is null
  order by n_dead_tup desc
  limit 20`;

/**
 * What this role runs in this database that takes longest, of what it ran a hundred times or more: the beginning of each
 * text, in which Postgres has put a parameter for every value. Reads the extension pg_stat_statements. At most five rows.
 */
export const listSlowStatements = () => sql<{ text: string; calls: number; mean_ms: number }>`
  -- doctor.list_slow_statements
  select coalesce(left(regexp_replace(s.query, '\\s+', ' ', 'g'), 100)::text, '') as text, coalesce(s.calls::float8, 0) as calls,
    coalesce(s.mean_exec_time, 0) as mean_ms
  from pg_stat_statements s
  where s.userid = (select r.oid from pg_roles r where r.rolname = current_user)
    and s.dbid = (select d.oid from pg_database d where d.datname = current_database())
    and s.toplevel and s.calls >= 100 and s.query ~* '^\\s*(--[^\\n]*\\s*)*(select|with|insert|update|delete)'
  order by s.mean_exec_time desc
  limit 5`;
