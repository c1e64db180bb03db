import { access, constants, realpath } from 'node:fs/promises';
import { join } from 'node:path';
import type { Logger } from '../log/index.ts';
import { dataDirectoryError } from './data-directory-error.ts';
import { lockDataDirectory } from './data-directory-lock.ts';
import { ensureCluster, readPassword } from './initialize-cluster.ts';
import { keepPostmaster } from './keep-postmaster.ts';
import { launchPostmaster } from './launch-postmaster.ts';
import { makeDirectory } from './make-directory.ts';
import { findPostgresBinaries, type PostgresBinaries } from './postgres-binaries.ts';
import { findPostmaster, type Postmaster } from './postmaster.ts';
import { type DataOwner, findDataOwner } from './run-as-owner.ts';

/** Options of `startEmbeddedPostgres`. */
export interface EmbeddedPostgresOptions {
  /** The directory for the database and its password; made when absent. */
  readonly dataDir: string;
  readonly log: Logger;
  /** Further settings of the server, each as `name=value`; without effect on a server that runs already. */
  readonly postgresFlags?: readonly string[];
  /** Aborted, the server that was started here is ended at once, as by a crash, which loses nothing that was committed. */
  readonly signal?: AbortSignal;
}

/** A Postgres of our own that runs; one that ends is started again where it was. */
export interface EmbeddedPostgres {
  /** `postgres://…` with the password, on 127.0.0.1. */
  readonly url: string;
  /** Stops the server: its connections are ended, what was committed is on disk. May be called more than once. */
  stop(): Promise<void>;
}

// Fast ends when every connection has ended, which a frozen one never does; then it is ended as by a crash, which loses
// nothing that was committed.
const FAST_STOP_SECONDS = 20;
const IMMEDIATE_STOP_SECONDS = 10;

/**
 * Starts PostgreSQL on the data directory, with nothing else installed. A server that still runs there because its Evenkeel
 * was killed is taken over, and one that ends is started again. It is where the last one was, while that port is free.
 *
 * It outlives a Ctrl-C in the terminal, and us when we are killed: only `stop()` stops it. It logs into `postgres.log` in
 * the data directory, with the last start's in `postgres.log.1`.
 *
 * @throws Error (start-up) when another Evenkeel uses the directory, or when Postgres cannot run here: says what to do.
 */
export async function startEmbeddedPostgres(options: EmbeddedPostgresOptions): Promise<EmbeddedPostgres> {
  const { log, postgresFlags = [], signal } = options;
  const binaries = await findPostgresBinaries();
  const dataDir = await openDataDirectory(options.dataDir);
  const clusterDir = join(dataDir, 'postgres');
  const owner = await findDataOwner(clusterDir, binaries.postgres);
  const password = await ensureCluster({ dataDir, clusterDir }, binaries, owner);
  const settings = { dataDir, clusterDir, postgresFlags, signal };
  const { postmaster, isOurs } = await launchPostmaster(settings, binaries, owner);
  const { port } = postmaster;
  const url = urlOf(postmaster, password);
  const lock = await lockDataDirectory(url, log).catch(async (error) => {
    if (isOurs) await stopPostmaster(clusterDir, binaries, owner);
    throw error;
  });
  // Also when we started it: the other one has taken it over in the moment between.
  if (lock === undefined) throw new Error('another Evenkeel runs on this data directory: stop it or set DATA_DIR');
  log.info({ port, adopted: !isOurs }, 'embedded Postgres is ready');
  const keeper = keepPostmaster(postmaster, {
    log,
    relaunch: async () => {
      const again = await launchPostmaster({ ...settings, port }, binaries, owner);
      if (again.postmaster.port === port) return again.postmaster;
      throw new Error('another Evenkeel has started it elsewhere: restart this one, or set its DATA_DIR');
    },
  });
  const stop = async (): Promise<void> => {
    lock.letGo();
    const kept = keeper.stop();
    await stopPostmaster(clusterDir, binaries, owner);
    // One that was being started ends with that, or is there now.
    await kept;
    await stopPostmaster(clusterDir, binaries, owner);
  };
  let stopped: Promise<void> | undefined;
  return { url, stop: () => (stopped ??= stop()) };
}

/**
 * The URL of the server that runs on a data directory; undefined when none does. For a command beside a running Evenkeel:
 * it takes nothing over and stops nothing.
 */
export async function findEmbeddedPostgres(dataDirectory: string): Promise<string | undefined> {
  const dataDir = await realpath(dataDirectory).catch(() => undefined);
  if (dataDir === undefined) return undefined;
  const postmaster = await findPostmaster(join(dataDir, 'postgres'));
  const password = await readPassword(dataDir);
  return postmaster?.state === 'ready' && password !== undefined ? urlOf(postmaster, password) : undefined;
}

/** Makes the directory when it is absent, and answers its path free of symbolic links. */
async function openDataDirectory(directory: string): Promise<string> {
  try {
    makeDirectory(directory);
    await access(directory, constants.R_OK | constants.W_OK | constants.X_OK);
    return await realpath(directory);
  } catch (cause) {
    throw dataDirectoryError(directory, cause as Error);
  }
}

function urlOf({ port }: Postmaster, password: string): string {
  return `postgres://postgres:${password}@127.0.0.1:${port}/postgres`;
}

async function stopPostmaster(clusterDir: string, { pgCtl }: PostgresBinaries, owner: DataOwner): Promise<void> {
  const stop = (mode: string, waitSeconds: number): Promise<void> =>
    owner.run(pgCtl, ['stop', '--wait', `--mode=${mode}`, `--timeout=${waitSeconds}`, `--pgdata=${clusterDir}`]);
  try {
    if ((await findPostmaster(clusterDir)) !== undefined) await stop('fast', FAST_STOP_SECONDS);
  } catch (error) {
    if ((await findPostmaster(clusterDir)) === undefined) return;
    await stop('immediate', IMMEDIATE_STOP_SECONDS).catch(() => {
      throw new Error('the embedded Postgres does not stop', { cause: error });
    });
  }
}
