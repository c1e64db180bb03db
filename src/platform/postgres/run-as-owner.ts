import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chown, type FileHandle, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { text } from 'node:stream/consumers';
import { promisify } from 'node:util';

const execute = promisify(execFile);

/**
 * Runs the programs of PostgreSQL as the user to whom the data belongs. That is ourselves, except when we are root, whom
 * Postgres refuses: then it is the owner of the data directory, for a new one the user `postgres` or else `nobody`.
 */
export interface DataOwner {
  /** Makes a file or directory, by its path or open, the owner's. */
  adopt(file: string | FileHandle): Promise<void>;
  /** Runs a program to its end, in a session of its own. Throws with what it wrote on standard error. */
  run(program: string, args: readonly string[]): Promise<void>;
  /**
   * Starts a program in a session of its own, so that a Ctrl-C in our terminal does not reach it, with its output going
   * to the open file `logFd`.
   */
  start(program: string, args: readonly string[], logFd: number): ChildProcess;
}

/** How a program is started: who runs it, and what is put before it on the command line. */
interface Launch {
  readonly prefix: readonly string[];
  readonly uid?: number;
  readonly gid?: number;
}

// Postgres needs nothing of our environment, which may hold secrets.
const environment = { PATH: '/usr/bin:/bin', LC_ALL: 'C' };

/** Finds out who owns the data and how to start `program` as that user. The directory `clusterDir` need not exist yet. */
export async function findDataOwner(clusterDir: string, program: string): Promise<DataOwner> {
  if (process.getuid?.() !== 0) return dataOwner({ prefix: [] });
  const { uid, gid } = await findAccount(clusterDir);
  return dataOwner(await findLaunch({ uid, gid }, dirname(clusterDir), program), { uid, gid });
}

function dataOwner(launch: Launch, account?: { uid: number; gid: number }): DataOwner {
  const command = (program: string, args: readonly string[]): [string, string[]] => {
    const [first = program, ...rest] = [...launch.prefix, program, ...args];
    return [first, rest];
  };
  const { prefix: _, ...identity } = launch;
  const options = { cwd: '/', env: environment, ...identity };
  return {
    adopt: async (file) => {
      if (account === undefined) return;
      const { uid, gid } = account;
      await (typeof file === 'string' ? chown(file, uid, gid) : file.chown(uid, gid));
    },
    run: async (program, args) => {
      const [file, rest] = command(program, args);
      const child = spawn(file, rest, { ...options, detached: true, stdio: ['ignore', 'ignore', 'pipe'] });
      const [said, [code, signal]] = await Promise.all([text(child.stderr), once(child, 'close')]).catch((error) => {
        throw new Error(`${program} failed: ${error.message}`, { cause: error });
      });
      if (code !== 0)
        throw new Error(`${program} failed: ${said.trim() || `it ended with ${signal ?? `code ${code}`}`}`);
    },
    start: (program, args, logFd) => {
      const [file, rest] = command(program, args);
      return spawn(file, rest, { ...options, detached: true, stdio: ['ignore', logFd, logFd] });
    },
  };
}

async function findAccount(clusterDir: string): Promise<{ uid: number; gid: number }> {
  const owner = await stat(clusterDir).catch(() => undefined);
  if (owner !== undefined && owner.uid !== 0) return { uid: owner.uid, gid: owner.gid };
  for (const name of ['postgres', 'nobody']) {
    const ids = await Promise.all([execute('id', ['-u', name]), execute('id', ['-g', name])]).catch(() => undefined);
    if (ids !== undefined) return { uid: Number(ids[0].stdout), gid: Number(ids[1].stdout) };
  }
  throw new Error(
    'Postgres does not run as root, and there is no user "postgres" or "nobody" to run it as. ' +
      'Start Evenkeel as an ordinary user, or set DATABASE_URL to a Postgres of your own.',
  );
}

/**
 * A checkout below a directory that only root may enter (`/root`, one made by `mktemp -d`) is out of the account's reach.
 * There, and only there, Postgres is given the capability to pass directories; first the one that can only read.
 */
async function findLaunch(account: { uid: number; gid: number }, dataDir: string, program: string): Promise<Launch> {
  const launches: Launch[] = [
    { prefix: [], ...account },
    { prefix: setpriv(account, 'dac_read_search') },
    { prefix: setpriv(account, 'dac_override') },
  ];
  for (const launch of launches) {
    const probe = dataOwner(launch).run('/bin/sh', ['-c', 'test -x "$1" && cd "$2"', 'sh', program, dataDir]);
    if (await probe.then(() => true).catch(() => false)) return launch;
  }
  throw new Error(
    `Postgres does not run as root, and the user it runs as (id ${account.uid}) cannot reach ${program} or ${dataDir}. ` +
      'Move this folder (and DATA_DIR) to where every user may enter, start Evenkeel as an ordinary user, ' +
      'or set DATABASE_URL to a Postgres of your own.',
  );
}

function setpriv({ uid, gid }: { uid: number; gid: number }, capability: string): string[] {
  const only = `-all,+${capability}`;
  return [
    'setpriv',
    `--reuid=${uid}`,
    `--regid=${gid}`,
    '--clear-groups',
    `--bounding-set=${only}`,
    `--inh-caps=${only}`,
    `--ambient-caps=${only}`,
    // Without it access(2), by which Postgres checks its own programs, ignores the capabilities of who is not root.
    '--securebits=+no_setuid_fixup',
    '--',
  ];
}
