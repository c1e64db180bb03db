import { randomBytes } from 'node:crypto';
import { existsSync, rmSync } from 'node:fs';
import { chmod, mkdir, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { dataDirectoryError } from './data-directory-error.ts';
import { isAlive } from './is-alive.ts';
import { keepSecret } from './keep-secret.ts';
import type { PostgresBinaries } from './postgres-binaries.ts';
import type { DataOwner } from './run-as-owner.ts';

const UNFINISHED = /^postgres\.initializing-(\d+)$/;
const PASSWORD_FILE = 'postgres-password';
/** What initdb says to a user whom the system does not know by name, as containers often have one. */
const NAMELESS = /could not look up effective user ID/;
const NAME_IT = '. Give that user an entry in /etc/passwd, or set DATABASE_URL to a Postgres of your own.';
/** A group may read, no more. */
const REFUSED_MODE = 0o027;
const PASSWORD = /^[\w-]{43}\n$/;

/** Where things are in the data directory. */
export interface ClusterPlace {
  /** The directory that holds everything, absolute and free of symbolic links. */
  readonly dataDir: string;
  /** The directory of Postgres itself within it. */
  readonly clusterDir: string;
}

/**
 * Makes the database directory, once, and answers the password of its superuser `postgres`. It is made under another name
 * and renamed when it is complete, so that one whose making was interrupted is never taken for whole.
 */
export async function ensureCluster(
  place: ClusterPlace,
  binaries: PostgresBinaries,
  owner: DataOwner,
): Promise<string> {
  const { dataDir, clusterDir } = place;
  const password = await readPassword(dataDir);
  if (!existsSync(clusterDir)) return createCluster(place, binaries, owner);
  await keepOthersOut(clusterDir);
  if (password !== undefined) return password;
  throw new Error(
    `postgres-password is missing in ${dataDir} or damaged. Put it back, or remove ${clusterDir} to start empty.`,
  );
}

/**
 * Takes back what lets others in, by which Postgres refuses a directory: a volume of Kubernetes with `fsGroup` gives everything to a
 * group whenever it is mounted. Where that is not ours to change, Postgres says so.
 */
async function keepOthersOut(clusterDir: string): Promise<void> {
  const { mode } = await stat(clusterDir);
  if (mode & REFUSED_MODE) await chmod(clusterDir, 0o700).catch(() => undefined);
}

/** The superuser's password; undefined when there is none yet or its file is damaged. */
export async function readPassword(dataDir: string): Promise<string | undefined> {
  const path = join(dataDir, PASSWORD_FILE);
  const text = await readFile(path, 'utf8').catch((cause) => {
    if (cause.code === 'ENOENT') return '';
    throw dataDirectoryError(dataDir, cause);
  });
  return PASSWORD.test(text) ? text.trim() : undefined;
}

async function createCluster(
  { dataDir, clusterDir }: ClusterPlace,
  { initdb }: PostgresBinaries,
  owner: DataOwner,
): Promise<string> {
  await removeUnfinished(dataDir);
  const passwordFile = join(dataDir, PASSWORD_FILE);
  const unfinishedDir = join(dataDir, `postgres.initializing-${process.pid}`);
  try {
    const password = await keepPassword(dataDir);
    await owner.adopt(passwordFile);
    await mkdir(unfinishedDir, { mode: 0o700 });
    await owner.adopt(unfinishedDir);
    await owner.run(initdb, initdbArguments(unfinishedDir, passwordFile));
    await rename(unfinishedDir, clusterDir);
    return password;
  } catch (error) {
    await rm(unfinishedDir, { recursive: true, force: true });
    // Another process may have been quicker; its directory is as good as ours, and has the same password.
    const password = await readPassword(dataDir);
    if (existsSync(clusterDir) && password !== undefined) return password;
    const { message } = error as Error;
    const todo = NAMELESS.test(message) ? NAME_IT : '';
    throw new Error(`cannot create the embedded database: ${message}${todo}`, { cause: error });
  }
}

/** One password for all that make the database at the same time, whoever's directory it will be. */
async function keepPassword(dataDir: string): Promise<string> {
  const file = join(dataDir, PASSWORD_FILE);
  const keep = (): string => keepSecret(file, randomBytes(32).toString('base64url'));
  const password = keep();
  if ((await readPassword(dataDir)) === password) return password;
  // It is damaged, and of no database.
  rmSync(file);
  return keep();
}

function initdbArguments(directory: string, passwordFile: string): string[] {
  return [
    `--pgdata=${directory}`,
    '--username=postgres',
    '--auth=scram-sha-256',
    `--pwfile=${passwordFile}`,
    '--encoding=UTF8',
    // Postgres' own C.UTF-8 is the same on every machine, whatever locales that has.
    '--locale=C',
    '--locale-provider=builtin',
    '--builtin-locale=C.UTF-8',
    '--no-instructions',
  ];
}

async function removeUnfinished(dataDir: string): Promise<void> {
  for (const name of await readdir(dataDir)) {
    const pid = Number(UNFINISHED.exec(name)?.[1]);
    if (Number.isNaN(pid) || (pid !== process.pid && isAlive(pid))) continue;
    await rm(join(dataDir, name), { recursive: true, force: true });
  }
}
