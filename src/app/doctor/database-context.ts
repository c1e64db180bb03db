import type { Session } from '../../platform/postgres/index.ts';
import type { CheckContext } from './finding.ts';
import type { ServerRow } from './queries.ts';

/** How far the database is, and by how much its clock is ahead of ours. */
export interface DatabaseLink {
  readonly roundTripMs: number;
  readonly clockAheadMs: number;
}

/** What the checks of the database get. */
export interface DatabaseContext extends CheckContext {
  /** Where it is, without a password. */
  readonly description: string;
  /** The way that requests take. */
  readonly requests: Session;
  /** The way that notifications take. */
  readonly direct: Session;
  /** Whether requests go through a pooler. */
  readonly isPooled: boolean;
  readonly link: DatabaseLink;
  readonly server: ServerRow;
  /** Migrations of this code that have not run. */
  readonly pendingMigrations: readonly string[];
  /** Migrations of a later version that have run. */
  readonly laterMigrations: readonly string[];
}
