import { readFileSync, statfsSync } from 'node:fs';
import { availableParallelism, platform } from 'node:os';
import { join } from 'node:path';
import { defineConfig } from 'vitest/config';

/** Where Linux keeps files in memory. */
const MEMORY = '/dev/shm';

/** Whether all tests find room in memory for their files, and may run programs there. */
function isMemoryRoomy(): boolean {
  if (platform() !== 'linux') return false;
  const mount = readFileSync('/proc/mounts', 'utf8')
    .split('\n')
    .find((line) => line.startsWith(`tmpfs ${MEMORY} `));
  if (mount === undefined || mount.includes('noexec')) return false;
  const { bavail, bsize } = statfsSync(MEMORY);
  return Math.min(bavail * bsize, process.availableMemory()) > 8 * 1024 ** 3;
}

// Tests make and remove some 200,000 files, most of them of databases. On a disk that can be a tenth of all that tests cost.
if (process.env.TMPDIR === undefined && isMemoryRoomy()) process.env.TMPDIR = MEMORY;

export default defineConfig({
  test: {
    include: ['{src,test,bench}/**/*.test.ts'],
    globalSetup: ['test/harness/start-postgres.ts'],
    // A process for each file, so that no file sees another's timers, sockets or crash.
    pool: 'forks',
    // Each of those processes loads the product: what was compiled is kept for the next.
    env: { NODE_COMPILE_CACHE: join(import.meta.dirname, 'node_modules/.compile-cache') },
    // Most tests wait, for a process to start or a timeout to pass: two more than there are cores keep two cores busy.
    maxWorkers: availableParallelism() + 2,
    // What comes about by itself is waited for as long as a busy machine takes.
    expect: { poll: { timeout: 10_000 } },
    testTimeout: 60_000,
    hookTimeout: 60_000,
    teardownTimeout: 60_000,
  },
});
