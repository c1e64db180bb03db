import type { Session } from '../../platform/postgres/index.ts';
import type { CheckContext } from './finding.ts';

/** How far the database is, and by how much its clock is ahead of ours. */
export interface DatabaseLink {
  readonly roundTripMs: number;
  readonly clockAheadMs: number;
}

/** What the server says of itself. */
export interface DatabaseServer {
  readonly version: string;
  /** As 180004. */
  readonly versionNumber: number;
  /** Connections that this role may have open in this database. */
  readonly places: number;
  /** By which the server ends a statement of a session that has set none; 0 for never. */
  readonly statementTimeoutMs: number;
  readonly isVacuuming: boolean;
  readonly takesWrites: boolean;
  /** Whether what it has answered outlives a crash of it. */
  readonly keepsAnswered: boolean;
  /** Of characters, as UTF8. */
  readonly encoding: string;
  /** Whether it knows upper and lower case beyond a to z. */
  readonly knowsCase: boolean;
  /** Whether sessions that are given no settings, as by a pooler, find the schema public and write times as we read them. */
  readonly suitsPlainSessions: boolean;
  /** Whether this role may bring the schema up to date. */
  readonly mayMigrate: boolean;
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
  readonly server: DatabaseServer;
  /** Migrations of this code that have not run. */
  readonly pendingMigrations: readonly string[];
  /** Migrations of a later version that have run. */
  readonly laterMigrations: readonly string[];
}
