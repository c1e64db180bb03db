import { chmod, mkdtemp, rename, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { createLogger } from '../log/index.ts';
import { startEmbeddedPostgres } from './embedded.ts';
import { findPostmaster } from './postmaster.ts';

const log = createLogger({ level: 'silent' });

test.runIf(process.platform === 'linux')('a server is known where its directory was moved to', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'evenkeel-moved-'));
  onTestFinished(() => rm(directory, { recursive: true, force: true }));
  await chmod(directory, 0o755);
  const dataDir = join(directory, 'data');
  const moved = join(directory, 'moved');
  const { stop } = await startEmbeddedPostgres({ dataDir, log, postgresFlags: ['fsync=off'] });
  await rename(dataDir, moved);
  onTestFinished(async () => {
    await rename(moved, dataDir);
    await stop();
  });
  const second = startEmbeddedPostgres({ dataDir: moved, log });
  await expect(second).rejects.toThrow('another Evenkeel runs on this data directory: stop it or set DATA_DIR');
  expect(await findPostmaster(join(moved, 'postgres'))).toMatchObject({ state: 'ready' });
});
