import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll } from 'vitest';
import { createLogger } from '../../src/platform/log/index.ts';
import { openRedis, type Redis } from '../../src/platform/redis/index.ts';
import { findFreePort } from './find-free-port.ts';
import { until } from './until.ts';

/** As long as production waits for a command, in milliseconds: for tests of a Redis that is frozen. */
export const HASTY_MS = 150;
/** Longer than a busy machine stands still. */
const PATIENT_MS = 5_000;

/** A Redis of a test file's own. */
export interface TestRedis {
  readonly url: string;
  /** Stops the process without ending it, as a machine that hangs does. */
  freeze(): void;
  thaw(): void;
  /** Ends it. */
  kill(): Promise<void>;
  /** Starts it again, empty, after `kill`. */
  restart(): Promise<void>;
  /** Ends it and removes its folder. */
  stop(): Promise<void>;
}

async function launch(port: number, directory: string): Promise<ChildProcess> {
  const args = ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no', '--dir', directory];
  const child = spawn('redis-server', args, { stdio: ['ignore', 'pipe', 'pipe'] });
  const ready = Promise.withResolvers<void>();
  let output = '';
  child.once('error', () => ready.reject(new Error('redis-server is not installed: see "npm test"')));
  child.once('exit', (code) => ready.reject(new Error(`redis-server ended with ${code}: ${output}`)));
  child.stdout.on('data', (bytes: Buffer) => {
    output += bytes;
    if (output.includes('Ready to accept connections')) ready.resolve();
  });
  child.stderr.resume();
  await ready.promise;
  return child;
}

/** Starts a redis-server that keeps nothing, on a free port. For a test file, in `beforeAll`; stop it in `afterAll`. */
export async function startTestRedis(): Promise<TestRedis> {
  const port = await findFreePort();
  const directory = await mkdtemp(join(tmpdir(), 'evenkeel-redis-'));
  let child = await launch(port, directory);
  const kill = async (): Promise<void> => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, 'exit');
    child.kill('SIGKILL');
    await ended;
  };
  return {
    url: `redis://127.0.0.1:${port}`,
    freeze: () => child.kill('SIGSTOP'),
    thaw: () => child.kill('SIGCONT'),
    kill,
    async restart() {
      child = await launch(port, directory);
    },
    async stop() {
      await kill();
      await rm(directory, { recursive: true, force: true });
    },
  };
}

/** A client of a Redis that is connected. */
export async function connectRedis(url: string, commandTimeoutMs = PATIENT_MS): Promise<Redis> {
  const redis = await openRedis({
    url,
    commandTimeoutMs,
    breakerWindowMs: 300,
    log: createLogger({ level: 'silent' }),
  });
  await until(() => redis.isAvailable);
  return redis;
}

/** Gives the test file that calls it a Redis of its own with a connected client, from `beforeAll` to `afterAll`. */
export function useTestRedis(): { server: TestRedis; redis: Redis } {
  const own = {} as { server: TestRedis; redis: Redis };
  beforeAll(async () => {
    own.server = await startTestRedis();
    own.redis = await connectRedis(own.server.url);
  });
  afterAll(async () => {
    await own.redis.close();
    await own.server.stop();
  });
  return own;
}
