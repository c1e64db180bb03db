export { type Batched, type BatchObservation, type BatchObservers, type BatchOptions, createBatch } from './batch.ts';
export { dataDirectoryError, MEND_DATA_DIRECTORY } from './data-directory-error.ts';
export type { Database } from './database.ts';
export {
  type EmbeddedPostgres,
  type EmbeddedPostgresOptions,
  findEmbeddedPostgres,
  startEmbeddedPostgres,
} from './embedded.ts';
export {
  FOREIGN_KEY_VIOLATION,
  INSUFFICIENT_PRIVILEGE,
  isOutcomeUnknown,
  isReferenceMissing,
  postgresErrors,
  READ_ONLY_TRANSACTION,
  sqlState,
  UNDEFINED_TABLE,
  UNIQUE_VIOLATION,
} from './errors.ts';
export { inPages } from './in-pages.ts';
export { inspectRoute } from './inspect-route.ts';
export { keepSecret, readSecret } from './keep-secret.ts';
export { migrate } from './migrate.ts';
export { listMigrationFiles } from './migration-files.ts';
export { listen, type Notifications } from './notifications.ts';
export { openSession, type Session } from './open-session.ts';
export { TAKEN_PART } from './pipelines.ts';
export type { PoolHealth, PoolStatus } from './pool-status.ts';
export { openPostgres, type Postgres, type PostgresOptions, type StatementObservation } from './postgres.ts';
export { type Statement, sql } from './statement.ts';
