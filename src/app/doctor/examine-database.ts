import { access, constants } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import type { Clock } from '../../base/time.ts';
import type { Config } from '../../platform/config/index.ts';
import { createLogger } from '../../platform/log/index.ts';
import {
  listMigrationFiles,
  MEND_DATA_DIRECTORY,
  openSession,
  type Session,
  sqlState,
  UNDEFINED_TABLE,
} from '../../platform/postgres/index.ts';
import { adviseOnDatabase } from '../advise-on-database.ts';
import { inspectRoutes } from '../inspect-routes.ts';
import { findMigrationFolders } from '../migration-folders.ts';
import { configuredHome, type DatabaseHome, findDatabase } from '../open-database.ts';
import { reasonOf } from '../reason-of.ts';
import { startPostgresForCommand } from '../start-postgres-for-command.ts';
import { checkClock } from './checks/check-clock.ts';
import { checkIndexes } from './checks/check-indexes.ts';
import { checkPool } from './checks/check-pool.ts';
import { checkPooler } from './checks/check-pooler.ts';
import { checkRights } from './checks/check-rights.ts';
import { checkRoundTrip } from './checks/check-round-trip.ts';
import { checkSchema } from './checks/check-schema.ts';
import { checkStatements } from './checks/check-statements.ts';
import { checkText } from './checks/check-text.ts';
import { checkVacuum } from './checks/check-vacuum.ts';
import { checkVersion } from './checks/check-version.ts';
import { checkWrites } from './checks/check-writes.ts';
import type { DatabaseContext, DatabaseLink } from './database-context.ts';
import { BOUND_MS, broken, type CheckContext, type Finding, fine, type Observation, runCheck } from './finding.ts';
import { listAppliedMigrations, readClock, readServer } from './queries.ts';

const checks = [
  checkRoundTrip,
  checkVersion,
  checkClock,
  checkWrites,
  checkText,
  checkSchema,
  checkRights,
  checkPooler,
  checkPool,
  checkIndexes,
  checkStatements,
  checkVacuum,
];

const ROUNDS = 10;

const finding = (observation: Observation): Finding => ({ check: 'database', ...observation });

/** What makes a pooler's direct way hard to guess, at the hosts that have one. */
function hintFor(url: string): string {
  const { hostname } = new URL(url);
  if (hostname.endsWith('.pooler.supabase.com')) return ' At Supabase: port 5432 of the same host, its session mode.';
  if (hostname.includes('-pooler.')) return ' At Neon: the same host without "-pooler".';
  return '';
}

/** The quickest of several round trips, and what it says of the clocks. */
async function measureLink(session: Session, clock: Clock): Promise<DatabaseLink> {
  const links: DatabaseLink[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const sentAtMs = clock.now().getTime();
    const startedAtMs = clock.monotonicMs();
    const [row] = await session.ask(readClock());
    const roundTripMs = clock.monotonicMs() - startedAtMs;
    links.push({ roundTripMs, clockAheadMs: (row?.now_ms ?? 0) - (sentAtMs + roundTripMs / 2) });
  }
  return links.reduce((best, link) => (link.roundTripMs < best.roundTripMs ? link : best));
}

/**
 * What the schema lacks and has beyond this code. A migration that this code does not have, but that is older than its last,
 * is that of an assistant which was taken away.
 */
async function compareMigrations(
  session: Session,
): Promise<Pick<DatabaseContext, 'pendingMigrations' | 'laterMigrations'>> {
  const applied = await session.ask(listAppliedMigrations()).catch((error) => {
    // No table yet: nothing has run.
    if (sqlState(error) === UNDEFINED_TABLE) return [];
    throw error;
  });
  const ours = (await listMigrationFiles(await findMigrationFolders())).map(({ name }) => name);
  const names = applied.map(({ name }) => name);
  return {
    pendingMigrations: ours.filter((name) => !names.includes(name)),
    laterMigrations: names.filter((name) => name > (ours.at(-1) ?? '')),
  };
}

/** What was found of a database. */
export interface DatabaseExamination {
  readonly findings: readonly Finding[];
  /** Servers that run, or are to run, on it. */
  readonly instances: number;
}

/** Everything that there is to say of a database that can be worked with. */
async function examineReached(home: DatabaseHome, context: CheckContext): Promise<DatabaseExamination> {
  const sessions: Session[] = [];
  const open = async (url: string): Promise<Session> => {
    const session = await openSession(url, BOUND_MS);
    sessions.push(session);
    return session;
  };
  try {
    const requests = await open(home.url);
    const direct = home.directUrl === home.url ? requests : await open(home.directUrl);
    const link = await measureLink(requests, context.clock);
    const [server] = await requests.ask(readServer());
    if (server === undefined) throw new Error('the catalog does not know this role or this database');
    const instances = Math.max(context.instances, server.servers);
    const databaseContext: DatabaseContext = {
      ...context,
      instances,
      description: home.description,
      requests,
      direct,
      isPooled: home.isPooled,
      link,
      server,
      ...(await compareMigrations(direct)),
    };
    const findings = await Promise.all(checks.map((check) => runCheck(check, databaseContext)));
    return { findings: findings.flat(), instances };
  } finally {
    await Promise.all(sessions.map((session) => session.close()));
  }
}

/** The configured database, or what is wrong with the way there. */
async function reach(url: string, directUrl: string | undefined): Promise<DatabaseHome | Finding> {
  const { isPooled, fault } = await inspectRoutes(url, directUrl, BOUND_MS);
  if (fault !== undefined) {
    const hint = directUrl === undefined ? hintFor(url) : '';
    return { check: 'pooler', ...broken(fault.what, fault.whatToDo + hint) };
  }
  return configuredHome(url, directUrl, isPooled);
}

async function exists(path: string, mode?: number): Promise<boolean> {
  try {
    await access(path, mode);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
    throw error;
  }
}

/**
 * Whether there is an embedded database in a directory.
 * @throws Error of the file system when the directory cannot be entered, or the first start cannot make a database there.
 */
async function hasEmbedded(directory: string): Promise<boolean> {
  if (await exists(join(directory, 'postgres'))) return true;
  let nearest = resolve(directory);
  while (!(await exists(nearest, constants.W_OK | constants.X_OK))) nearest = dirname(nearest);
  return false;
}

/** The embedded database: the one that runs, or started for the look. One that there is not yet is not made. */
async function reachEmbedded(config: Config): Promise<DatabaseHome | Finding> {
  const { directory } = config.data;
  try {
    if (!(await hasEmbedded(directory))) return finding(fine(`none in ${directory} yet: the first start makes it`));
  } catch (error) {
    return finding(broken(`cannot be in ${directory}: ${reasonOf(error)}`, MEND_DATA_DIRECTORY));
  }
  return await findDatabase(config, createLogger({ level: 'silent' }), {
    joinRunning: true,
    startPostgres: startPostgresForCommand,
  });
}

/** Looks at the database. What cannot be reached is said once, not by each check. */
export async function examineDatabase(context: CheckContext): Promise<DatabaseExamination> {
  const { url, directUrl } = context.config.database;
  const only = (seen: Finding): DatabaseExamination => ({ findings: [seen], instances: context.instances });
  try {
    const home = await (url === undefined ? reachEmbedded(context.config) : reach(url, directUrl));
    if ('check' in home) return only(home);
    try {
      return await examineReached(home, context);
    } finally {
      await home.stop();
    }
  } catch (error) {
    const todo =
      url === undefined
        ? 'See postgres.log in DATA_DIR.'
        : 'See that it runs, is reached from here and lets this role in; else mend its URL.';
    return only(finding(broken(`cannot be worked with: ${reasonOf(error)}`, adviseOnDatabase(error) ?? todo)));
  }
}
