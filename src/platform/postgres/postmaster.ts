import { execFile } from 'node:child_process';
import { readFile, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { dataDirectoryError } from './data-directory-error.ts';
import { isAlive } from './is-alive.ts';

const execute = promisify(execFile);

// Postgres creates the file and fills it in the next moment; one that stays empty is a leftover. So is one of a time to come, from
// before the clock was set back.
const BEING_WRITTEN_MS = 10_000;

/** A Postgres server process that is alive, as its `postmaster.pid` describes it. */
export interface Postmaster {
  readonly pid: number;
  /** The TCP port; 0 while the file is being written. */
  readonly port: number;
  readonly state: 'starting' | 'ready' | 'stopping';
}

/**
 * The server that runs on a data directory, if one does.
 *
 * Postgres itself replaces a `postmaster.pid` whose process is gone, but refuses to start when the process id was given to
 * something else since (after a crash of the machine, say) or when the file is empty: such a file is removed, unless it is that of a
 * server in another container, which would end without it.
 */
export async function findPostmaster(clusterDir: string): Promise<Postmaster | undefined> {
  const path = join(clusterDir, 'postmaster.pid');
  const text = await readPidFile(path);
  if (text === undefined) return undefined;
  const postmaster = parse(text);
  if (postmaster !== undefined) {
    if (!isAlive(postmaster.pid)) return undefined;
    if (await isServerOf(clusterDir, postmaster.pid)) return postmaster;
  } else if (Math.abs(Date.now() - (await stat(path)).mtimeMs) < BEING_WRITTEN_MS) {
    return { pid: 0, port: 0, state: 'starting' };
  }
  // Read again: another process may have put a file of its own there meanwhile.
  if (!(await isLocked(clusterDir)) && (await readPidFile(path)) === text) await rm(path, { force: true });
  return undefined;
}

/** Whether a server holds the lock that ours start with. In another container, its process id may be another's here. */
async function isLocked(clusterDir: string): Promise<boolean> {
  return execute('flock', ['-n', clusterDir, 'true']).then(
    () => false,
    ({ code }) => code === 1,
  );
}

async function readPidFile(path: string): Promise<string | undefined> {
  return readFile(path, 'utf8').catch((error) => {
    if (error.code === 'ENOENT') return undefined;
    throw dataDirectoryError(dirname(dirname(path)), error);
  });
}

/** Lines: process id, data directory, start time, port, socket directory, address, shared memory key, state. */
function parse(text: string): Postmaster | undefined {
  const lines = text.split('\n');
  const pid = Number(lines[0]);
  if (!Number.isInteger(pid) || pid <= 0) return undefined;
  const state = lines[7]?.trim();
  const known = state === 'ready' || state === 'stopping' ? state : 'starting';
  return { pid, port: Number(lines[3] ?? 0), state: known };
}

async function isServerOf(clusterDir: string, pid: number): Promise<boolean> {
  const command = await commandLine(pid);
  // Where the command line cannot be read, Postgres itself is left to judge.
  if (command === undefined) return true;
  const isHere = await worksIn(clusterDir, pid);
  return command.includes('postgres') && (isHere ?? command.includes(clusterDir));
}

/**
 * Whether a process works in a directory, as Postgres does in its own, whatever that was called when it started: it may have been
 * moved, or mounted elsewhere, since. Undefined where the system does not tell.
 */
async function worksIn(directory: string, pid: number): Promise<boolean | undefined> {
  const paths = [`/proc/${pid}/cwd`, directory];
  const [itsOwn, asked] = await Promise.all(paths.map((path) => stat(path).catch(() => undefined)));
  return itsOwn && asked && itsOwn.ino === asked.ino && itsOwn.dev === asked.dev;
}

async function commandLine(pid: number): Promise<string | undefined> {
  if (process.platform === 'linux') return readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
  return execute('ps', ['-ww', '-p', String(pid), '-o', 'command=']).then(
    ({ stdout }) => stdout,
    () => undefined,
  );
}
