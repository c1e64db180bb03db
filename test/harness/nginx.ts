import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findFreePort } from './find-free-port.ts';
import { untilListening } from './until-listening.ts';

/** The settings that we give to operators. */
const nginxFile = join(import.meta.dirname, '../../deploy/nginx.conf');

/** A nginx of a test's own. */
export interface TestNginx {
  readonly url: string;
  /** What it logged of requests so far. */
  readLog(): Promise<string>;
  stop(): Promise<void>;
}

/** Whether there is a nginx. */
export function hasNginx(): boolean {
  return spawnSync('nginx', ['-v']).error === undefined;
}

/** Starts a nginx with our settings in front of servers at these ports; nothing of them is changed but where things are. */
export async function startNginx(serverPorts: readonly number[]): Promise<TestNginx> {
  const port = await findFreePort();
  const directory = await mkdtemp(join(tmpdir(), 'evenkeel-nginx-'));
  // Under root its workers run as somebody else, who must get in.
  await chmod(directory, 0o755);
  const left = [...serverPorts];
  const folders = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    (of) => `${of}_temp_path ${directory}/${of};`,
  );
  const settings = (await readFile(nginxFile, 'utf8'))
    .replaceAll(/server [\d.]+:8000/g, () => `server 127.0.0.1:${left.shift()}`)
    .replace('listen 80;', `listen 127.0.0.1:${port};`)
    .replace('/var/log/nginx/access.log', join(directory, 'access.log'))
    .replace('http {', `http { ${folders.join(' ')}`);
  const file = join(directory, 'nginx.conf');
  await writeFile(file, settings);
  const here = `daemon off; pid ${directory}/pid; error_log ${directory}/error.log;`;
  const child = spawn('nginx', ['-p', directory, '-c', file, '-g', here], { stdio: 'ignore' });
  const ended = once(child, 'exit');
  await untilListening(port);
  return {
    url: `http://127.0.0.1:${port}`,
    readLog: () => readFile(join(directory, 'access.log'), 'utf8'),
    async stop() {
      child.kill('SIGTERM');
      await ended;
      await rm(directory, { recursive: true, force: true });
    },
  };
}
