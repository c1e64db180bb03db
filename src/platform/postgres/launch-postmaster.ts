import type { ChildProcess } from 'node:child_process';
import { existsSync } from 'node:fs';
import { type FileHandle, open, readFile, rename } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { PostgresBinaries } from './postgres-binaries.ts';
import { findPostmaster, type Postmaster } from './postmaster.ts';
import type { DataOwner } from './run-as-owner.ts';

/** Where and how to start. */
export interface LaunchSettings {
  readonly dataDir: string;
  readonly clusterDir: string;
  readonly postgresFlags: readonly string[];
  /** The port to listen on; when absent, that of the last start if it is free, or another. */
  readonly port?: number;
  /** Aborted, the server that was started is ended at once. */
  readonly signal?: AbortSignal | undefined;
}

/** A server that accepts connections. */
export interface Launched {
  readonly postmaster: Postmaster;
  /** Whether this call started it; otherwise it ran already. */
  readonly isOurs: boolean;
}

// A port that was free may be taken a moment later; a killed server's last process may hold its memory a moment longer.
const ATTEMPTS = 5;
const TEMPORARY = /could not create any TCP\/IP sockets|shared memory block|lock file "postmaster\.pid"/;
// As of a copy that root has made: then it is all root's.
const NOT_ITS_OWN = /Permission denied|wrong ownership/;
/**
 * Starts a program with a lock on a directory, which it and the processes that it makes hold as long as one of them lives. By
 * `postmaster.pid` alone, Postgres knows nothing of one in another container that has the same volume, and both would destroy the
 * data. Where there is no flock or no lock, it starts without.
 */
const LOCKED = 'exec 9<"$1"; shift; flock -n 9 2>/dev/null; [ $? -eq 1 ] && exit 75; exec "$@"';
const CONFLICT = 75;
const OTHER_VERSION = /database files are incompatible with server/;
const ATTEMPT_PAUSE_MS = 300;
const POLL_MS = 10;
// Recovery after a crash replays at most a few checkpoints' worth: seconds to a minute or two.
const READY_WAIT_MS = 300_000;
const LOG_TAIL_BYTES = 2_000;

/** Starts the server, or finds the one that runs, and waits until it accepts connections. */
export async function launchPostmaster(
  settings: LaunchSettings,
  binaries: PostgresBinaries,
  owner: DataOwner,
): Promise<Launched> {
  const logFile = join(settings.dataDir, 'postgres.log');
  let isLogRotated = false;
  for (let attempt = 1; ; attempt++) {
    const running = await waitUntilReady(settings.clusterDir);
    if (running !== undefined) return { postmaster: running, isOurs: false };
    settings.signal?.throwIfAborted();
    if (!isLogRotated) await rename(logFile, `${logFile}.1`).catch(() => {});
    isLogRotated = true;
    // Used as it is open, not by its name: another that starts at the same time puts it away.
    const file = await open(logFile, 'a+', 0o600);
    await owner.adopt(file);
    const logOffset = (await file.stat()).size;
    const command = [binaries.postgres, ...(await serverArguments(settings, binaries))];
    const child = owner.start('/bin/sh', ['-c', LOCKED, 'sh', settings.clusterDir, ...command], file.fd);
    // As by a crash: the server may not have come far enough to stop well.
    settings.signal?.addEventListener('abort', () => child.kill('SIGQUIT'));
    let said: string;
    try {
      const postmaster = await waitUntilReady(settings.clusterDir, child);
      // It must not keep us running; it is stopped by name, not as our child.
      child.unref();
      if (postmaster !== undefined) return { postmaster, isOurs: true };
      said = await readTail(file, logOffset);
    } finally {
      await file.close();
    }
    if (OTHER_VERSION.test(said)) throw await otherVersionError(settings.clusterDir);
    if (attempt === ATTEMPTS || !(TEMPORARY.test(said) || child.exitCode === CONFLICT))
      throw notStartedError(settings, child, said);
    await sleep(ATTEMPT_PAUSE_MS);
  }
}

/** Of a server that ended, with what it said. The log is on the same disk: when that is full, it says nothing. */
function notStartedError({ dataDir, clusterDir }: LaunchSettings, child: ChildProcess, said: string): Error {
  if (child.exitCode === CONFLICT)
    return new Error(
      'another Evenkeel, maybe in another container, runs on this data directory: stop it or set DATA_DIR',
    );
  const end = `it ended with ${child.signalCode ?? `code ${child.exitCode}`} and said nothing. Is the disk of ${dataDir} full?`;
  if (said === '') return new Error(`Postgres did not start: ${end} See ${dataDir}/postgres.log`);
  const todo = `. Give all of ${clusterDir} to the user that the server runs as; where that is root, to any other.`;
  return new Error(`Postgres did not start: ${said}${NOT_ITS_OWN.test(said) ? todo : ''}`);
}

async function otherVersionError(clusterDir: string): Promise<Error> {
  const version = (await readFile(join(clusterDir, 'PG_VERSION'), 'utf8')).trim();
  return new Error(
    `${clusterDir} is of Postgres ${version}, and another is installed here. Start the Evenkeel that made it, and take the ` +
      'data along as docs/guides/backups.md says.',
  );
}

/** The last of what was written to a file after the first so many bytes. */
async function readTail(file: FileHandle, offset: number): Promise<string> {
  const from = Math.max(offset, (await file.stat()).size - LOG_TAIL_BYTES);
  const { buffer, bytesRead } = await file.read({ buffer: Buffer.alloc(LOG_TAIL_BYTES), position: from });
  return buffer.toString('utf8', 0, bytesRead).trim();
}

/** Answers undefined when no server runs, or when the one being started (`child`) ends. */
async function waitUntilReady(clusterDir: string, child?: ChildProcess): Promise<Postmaster | undefined> {
  let failure: Error | undefined;
  child?.once('error', (error) => {
    failure = error;
  });
  const giveUpAtMs = performance.now() + READY_WAIT_MS;
  while (performance.now() < giveUpAtMs) {
    const postmaster = await findPostmaster(clusterDir);
    if (failure !== undefined) throw new Error('Postgres cannot be run', { cause: failure });
    const isStarted = child === undefined || postmaster?.pid === child.pid;
    if (postmaster?.state === 'ready' && isStarted) return postmaster;
    if (child === undefined ? postmaster === undefined : hasExited(child)) return undefined;
    await sleep(POLL_MS);
  }
  throw new Error(`Postgres on ${clusterDir} is neither ready nor gone after ${READY_WAIT_MS / 1_000} s`);
}

function hasExited(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null;
}

async function serverArguments(settings: LaunchSettings, { moduleDir }: PostgresBinaries): Promise<string[]> {
  const flags = [
    'listen_addresses=127.0.0.1',
    // A socket's path may be at most 107 bytes long, which ours need not be.
    'unix_socket_directories=',
    'max_connections=100',
    'timezone=UTC',
    'log_timezone=UTC',
    // Messages of refused statements quote their values, which belong to the user: log the server's own events only.
    'log_min_messages=log',
    'log_min_error_statement=panic',
    'log_error_verbosity=terse',
    'log_checkpoints=off',
    ...statementStatistics(moduleDir),
    ...settings.postgresFlags,
  ];
  const port = settings.port ?? (await findFreePort(await readLastPort(settings.clusterDir)));
  return ['-D', settings.clusterDir, '-p', String(port), ...flags.flatMap((flag) => ['-c', flag])];
}

function statementStatistics(moduleDir: string): string[] {
  const library = join(moduleDir, `pg_stat_statements.${process.platform === 'darwin' ? 'dylib' : 'so'}`);
  return existsSync(library) ? ['shared_preload_libraries=pg_stat_statements'] : [];
}

/**
 * The port of the last start; 0 when there was none. Whoever joined that server, as `evenkeel work` does, comes back to it when the
 * server is started again.
 */
async function readLastPort(clusterDir: string): Promise<number> {
  const commandLine = await readFile(join(clusterDir, 'postmaster.opts'), 'utf8').catch(() => '');
  return Number(/"-p" "(\d+)"/.exec(commandLine)?.[1] ?? 0);
}

/** The wanted port if it is free, else any that is. */
function findFreePort(wanted: number): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', (error) => (wanted === 0 ? reject(error) : resolve(findFreePort(0))));
    server.listen(wanted, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => (address === null || typeof address === 'string' ? reject() : resolve(address.port)));
    });
  });
}
