import type { CallContext } from '../../base/call-context.ts';
import type { Statement } from './statement.ts';

/** How features reach Postgres. One call is one round trip. */
export interface Database {
  /**
   * Runs a statement and answers its rows.
   *
   * Waits for a connection at most the pool's wait bound, and for the statement at most what is left of the deadline;
   * when either ends, or the deadline is cancelled, the statement is cancelled on the server and its connection is not
   * handed on before that is over. Adds the steps `pool` and `sql` to the context's timings.
   *
   * @throws AppError `postgres.unavailable`, `postgres.overloaded` or `postgres.timeout` (all 503) when the database is
   *   the trouble; the reason of the deadline's signal when that ended first; pg's `DatabaseError` when the statement
   *   itself is refused (a constraint, say), for the caller to read its `code` and `constraint`; `UnsendableValue`, before
   *   anything is sent, when a value cannot be turned into what is sent.
   */
  query<Row>(statement: Statement<Row>, context: CallContext): Promise<Row[]>;
}
