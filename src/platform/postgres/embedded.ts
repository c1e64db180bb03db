import { access, constants, realpath } from 'node:fs/promises';
import { join } from 'node:path';
import type { Logger } from '../log/index.ts';
import { dataDirectoryError } from './data-directory-error.ts';
import { type LetGo, lockDataDirectory } from './data-directory-lock.ts';
import { sqlState, WRONG_PASSWORD } from './errors.ts';
import { ensureCluster, readPassword } from './initialize-cluster.ts';
import { keepPostmaster } from './keep-postmaster.ts';
import { type Launched, launchPostmaster } from './launch-postmaster.ts';
import { makeDirectory } from './make-directory.ts';
import { findPostgresBinaries } from './postgres-binaries.ts';
import { findPostmaster, type Postmaster } from './postmaster.ts';
import { findDataOwner } from './run-as-owner.ts';
import { stopPostmaster } from './stop-postmaster.ts';

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
  const launch = () => launchPostmaster(settings, binaries, owner);
  const lockIt = ({ postmaster }: Launched) =>
    lockDataDirectory(urlOf(postmaster, password), log).catch((error) => {
      if (sqlState(error) !== WRONG_PASSWORD) throw error;
      const message = `postgres-password is not that of ${clusterDir} beside it. Put it back from a backup.`;
      throw new Error(message, { cause: error });
    });
  const { postmaster, isOurs, letGo } = await launchAndLock(clusterDir, launch, lockIt);
  const { port } = postmaster;
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
    letGo();
    const kept = keeper.stop();
    const running = await findPostmaster(clusterDir);
    // Elsewhere it is another Evenkeel's.
    if (running?.port === port) await stopPostmaster(clusterDir, running.pid);
    // One that was being started ends with that, or is there now.
    await stopPostmaster(clusterDir, await kept);
  };
  let stopped: Promise<void> | undefined;
  return { url: urlOf(postmaster, password), stop: () => (stopped ??= stop()) };
}

/** Launches the server, and takes the right to use it; anew when it was just being stopped by the Evenkeel before. */
async function launchAndLock(
  clusterDir: string,
  launch: () => Promise<Launched>,
  lockIt: (launched: Launched) => Promise<LetGo | undefined>,
): Promise<Launched & { letGo: LetGo }> {
  for (;;) {
    const launched = await launch();
    const { pid } = launched.postmaster;
    try {
      const letGo = await lockIt(launched);
      if (letGo !== undefined) return { ...launched, letGo };
    } catch (error) {
      if (launched.isOurs) await stopPostmaster(clusterDir, pid);
      else {
        const now = await findPostmaster(clusterDir);
        if (now?.pid !== pid || now.state === 'stopping') continue;
      }
      throw error;
    }
    // Also when we started it: the other one has taken it over in the moment between.
    throw new Error('another Evenkeel runs on this data directory: stop it or set DATA_DIR');
  }
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
