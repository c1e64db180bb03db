import { globSync, readdirSync, readFileSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from 'pg';
import { onTestFinished } from 'vitest';
import { findEmbeddedPostgres } from '../../src/platform/postgres/index.ts';
import { type ServerProcess, startServerProcess } from '../process/server-process.ts';

/** A server in a process of its own, with a Postgres of its own, to be hurt. */
export interface FaultServer {
  readonly server: ServerProcess;
  /** The first user's API key. */
  readonly key: string;
  /** A connection of the test's own to the server's database. */
  readonly admin: Client;
  /** Opens one more. */
  connect(): Promise<Client>;
  /** Stops every process of Postgres where it is; answers how to let them go on. */
  freezePostgres(): () => void;
  /** The server's resident memory, in MiB. */
  residentMib(): number;
  /** How many files and sockets the server has open. */
  countFiles(): number;
}

/** Starts a server that is stopped and removed when the test ends, however that left it. */
export async function startFaultServer(variables: Record<string, string> = {}): Promise<FaultServer> {
  const dataDir = await mkdtemp(join(tmpdir(), 'evenkeel-fault-'));
  onTestFinished(() => rm(dataDir, { recursive: true, force: true }));
  const server = await startServerProcess({
    DATA_DIR: dataDir,
    LOG_LEVEL: 'warn',
    DRAIN_TIMEOUT_MS: '2000',
    ...variables,
  });
  onTestFinished(async () => {
    await server.end('SIGTERM');
  });
  const url = (await findEmbeddedPostgres(dataDir)) ?? '';
  const connect = async (): Promise<Client> => {
    const client = new Client({ connectionString: url, application_name: 'test' });
    // The end of the server ends it too.
    client.on('error', () => undefined);
    await client.connect();
    onTestFinished(() => client.end());
    return client;
  };
  const [pidFile = ''] = globSync(join(dataDir, '*', 'postmaster.pid'));
  const postmaster = Number((await readFile(pidFile, 'utf8')).split('\n', 1)[0]);
  return {
    server,
    connect,
    key: await server.readKey(),
    admin: await connect(),
    freezePostgres() {
      const thaw = freeze(postmaster);
      onTestFinished(thaw);
      return thaw;
    },
    residentMib: () =>
      Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${server.child.pid}/status`, 'utf8'))?.[1]) / 1024,
    countFiles: () => readdirSync(`/proc/${server.child.pid}/fd`).length,
  };
}

/** Stops the parent first, so that it starts no more children. */
function freeze(parent: number): () => void {
  process.kill(parent, 'SIGSTOP');
  const children = listChildren(parent);
  for (const pid of children) process.kill(pid, 'SIGSTOP');
  let isFrozen = true;
  return () => {
    if (!isFrozen) return;
    isFrozen = false;
    for (const pid of [...children, parent]) process.kill(pid, 'SIGCONT');
  };
}

function listChildren(parent: number): number[] {
  return globSync('/proc/[0-9]*/stat')
    .map((file) => {
      try {
        const text = readFileSync(file, 'utf8');
        // The name in parentheses may hold anything; the state and the parent follow it.
        const [, parentPid] = text.slice(text.lastIndexOf(')') + 2).split(' ');
        return Number(parentPid) === parent ? Number.parseInt(text, 10) : 0;
      } catch {
        return 0;
      }
    })
    .filter((pid) => pid > 0);
}

/** The server's connections that have been at one statement, or in one transaction, for longer than this. */
export async function listHeld(admin: Client, forMs: number): Promise<{ state: string; query: string }[]> {
  const { rows } = await admin.query<{ state: string; query: string }>(
    `select state, query from pg_stat_activity where application_name = 'evenkeel' and state <> 'idle'
      and coalesce(xact_start, state_change) < clock_timestamp() - $1 * interval '1 ms'`,
    [forMs],
  );
  return rows;
}

/** Waits until something is so; answers how long that took, in milliseconds. */
export async function msUntil(condition: () => boolean | Promise<boolean>, boundMs = 10_000): Promise<number> {
  const startedAtMs = performance.now();
  while (!(await condition())) {
    if (performance.now() - startedAtMs > boundMs) throw new Error(`it was not so within ${boundMs} ms`);
    await sleep(10);
  }
  return performance.now() - startedAtMs;
}
