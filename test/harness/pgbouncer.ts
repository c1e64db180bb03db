import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findFreePort } from './find-free-port.ts';
import { untilListening } from './until-listening.ts';

/** A PgBouncer of a test's own, in front of one database. */
export interface TestPgBouncer {
  /** The database by way of it. */
  readonly url: string;
  stop(): Promise<void>;
}

/** The version that is installed, as 1.24; undefined when there is none. */
export function pgBouncerVersion(): number | undefined {
  const { stdout } = spawnSync('pgbouncer', ['--version'], { encoding: 'utf8' });
  const [, major, minor] = /PgBouncer (\d+)\.(\d+)/.exec(stdout ?? '') ?? [];
  return major === undefined ? undefined : Number(major) + Number(minor) / 100;
}

/** Whether the one that is installed can keep prepared statements. */
export function pgBouncerKeepsPrepared(): boolean {
  return (pgBouncerVersion() ?? 0) >= 1.21;
}

/** Starts a PgBouncer with these settings beside the ones that it needs. */
export async function startPgBouncer(targetUrl: string, settings: Record<string, string>): Promise<TestPgBouncer> {
  const target = new URL(targetUrl);
  const name = target.pathname.slice(1);
  const port = await findFreePort();
  const directory = await mkdtemp(join(tmpdir(), 'evenkeel-pgbouncer-'));
  // It does not run as root, and whom it runs as must get in.
  await chmod(directory, 0o755);
  const user = decodeURIComponent(target.username);
  const password = decodeURIComponent(target.password);
  const options = { listen_addr: '127.0.0.1', listen_port: port, unix_socket_dir: '', auth_type: 'any', ...settings };
  const lines = [
    '[databases]',
    `${name} = host=${target.hostname} port=${target.port} dbname=${name} user=${user} password='${password}'`,
    '[pgbouncer]',
    ...Object.entries(options).map(([key, value]) => `${key} = ${value}`),
  ];
  const file = join(directory, 'pgbouncer.ini');
  await writeFile(file, `${lines.join('\n')}\n`);
  const asNobody = process.getuid?.() === 0 ? ['-u', 'nobody'] : [];
  const child: ChildProcess = spawn('pgbouncer', [...asNobody, file], { stdio: 'ignore' });
  const ended = once(child, 'exit');
  await untilListening(port);
  const url = new URL(targetUrl);
  url.host = `127.0.0.1:${port}`;
  return {
    url: url.href,
    async stop() {
      child.kill('SIGKILL');
      await ended;
      await rm(directory, { recursive: true, force: true });
    },
  };
}
