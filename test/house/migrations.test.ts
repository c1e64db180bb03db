import { expect, test } from 'vitest';
import { findMigrationFolders } from '../../src/app/migration-folders.ts';
import { listMigrationFiles, readMigration } from '../../src/platform/postgres/migration-files.ts';

const CREATION = /create (?:unique )?index concurrently (\w+)/i;

test('a migration that makes an index outside a transaction drops it first: it may have been stopped half way', async () => {
  const files = await listMigrationFiles(await findMigrationFolders());
  const migrations = await Promise.all(files.map(async ({ path }) => ({ path, ...(await readMigration(path)) })));
  const outside = migrations.filter(({ isTransaction }) => !isTransaction);
  expect(outside.length).toBeGreaterThan(3);
  for (const { path, steps } of outside) {
    for (const [at, step] of steps.entries()) {
      const [, index] = CREATION.exec(step) ?? [];
      if (index !== undefined)
        expect(steps[at - 1] ?? '', path).toMatch(
          new RegExp(`drop index concurrently if exists (?:\\w+\\.)?${index}$`),
        );
    }
  }
});
