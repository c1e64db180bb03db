import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['{src,test,bench}/**/*.test.ts'],
    globalSetup: ['test/harness/postgres.ts'],
    // A process for each file, so that no file sees another's timers, sockets or crash.
    pool: 'forks',
    // Most tests wait, for a process to start or a timeout to pass: two more than there are cores keep two cores busy.
    maxWorkers: availableParallelism() + 2,
    // What comes about by itself is waited for as long as a busy machine takes.
    expect: { poll: { timeout: 10_000 } },
    testTimeout: 60_000,
    hookTimeout: 60_000,
    teardownTimeout: 60_000,
  },
});
