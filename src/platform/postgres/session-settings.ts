import type { ClientConfig } from 'pg';

/**
 * Where to connect, and how each session is to be. The settings go into the startup packet: they hold from the first
 * statement on, cost no round trip and are what a reset goes back to. The URL's own `options` stay.
 */
export function sessionSettings(url: string, statementTimeoutMs: number): ClientConfig {
  const parsed = URL.parse(url);
  if (parsed === null) throw new Error('DATABASE_URL is not a URL such as postgres://user:password@host:5432/database');
  const settings = [
    '-c timezone=UTC',
    // Whatever the role or the database is set to: times are read in this form, and tables are where migrations make them.
    '-c datestyle=ISO',
    '-c search_path=public',
    // Else a null in an array that we send would be the word.
    '-c array_nulls=on',
    // The pool knows for how long it keeps a connection that nobody uses.
    '-c idle_session_timeout=0',
    // A caller that went away is noticed while its statement runs.
    '-c client_connection_check_interval=1000',
    // One whose machine or network went without a word, in half a minute: by default it keeps its place for two hours.
    '-c tcp_keepalives_idle=15',
    '-c tcp_keepalives_interval=5',
    '-c tcp_keepalives_count=3',
    // Statements are made for one plan, whatever the values, and it reads by an index: docs/decisions/0035-plans-that-are-kept.md.
    '-c plan_cache_mode=force_generic_plan',
    '-c enable_seqscan=off',
    '-c jit=off',
  ];
  parsed.searchParams.set('options', [parsed.searchParams.get('options'), ...settings].filter(Boolean).join(' '));
  return {
    connectionString: parsed.href,
    statement_timeout: statementTimeoutMs,
    // Nothing here opens a transaction; one that is open nevertheless must not hold its locks for ever.
    idle_in_transaction_session_timeout: statementTimeoutMs,
  };
}
