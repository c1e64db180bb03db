import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { makeTestDirectory } from '../../test/harness/make-test-directory.ts';
import { loadConfig } from '../platform/config/index.ts';
import { createLogger } from '../platform/log/index.ts';
import { ensureAuthSecrets } from './auth-secrets.ts';

const ensure = (directory: string, variables: Record<string, string> = {}) =>
  ensureAuthSecrets(loadConfig({ DATA_DIR: directory, ...variables }), createLogger({ level: 'silent' }));

it('a secret is made once, kept and found again', async () => {
  const directory = await makeTestDirectory();
  const [secret = ''] = ensure(directory);
  expect(await readFile(join(directory, 'auth-secret'), 'utf8')).toBe(`${secret}\n`);
  expect(ensure(directory)).toEqual([secret]);
});

it.each([
  [{}, 0],
  [{ DATABASE_URL: 'postgres://127.0.0.1/shared' }, 1],
])('who may have several servers is told that they need the same: %j', async (variables, warnings) => {
  const lines: string[] = [];
  const log = createLogger({ level: 'warn', destination: { write: (line) => lines.push(line) } });
  ensureAuthSecrets(loadConfig({ DATA_DIR: await makeTestDirectory(), ...variables }), log);
  expect(lines).toEqual(Array.from({ length: warnings }, () => expect.stringContaining('AUTH_SECRETS is not set')));
});

it('where there are secrets in the configuration, those count and none is made', async () => {
  const directory = await makeTestDirectory();
  const secrets = ['x', 'y'].map((letter) => letter.repeat(32));
  expect(ensure(directory, { AUTH_SECRETS: secrets.join(',') })).toEqual(secrets);
  expect(await readdir(directory)).toEqual([]);
});

it.each([
  ['nothing', ''],
  ['a line break', '\n'],
  ['one that is too short to be hard to guess', `${'x'.repeat(31)}\n`],
  ['two lines', `${'x'.repeat(32)}\n${'y'.repeat(32)}\n`],
])('a file that holds %s stops the start, which names it, and stays', async (_, text) => {
  const directory = await makeTestDirectory();
  const file = join(directory, 'auth-secret');
  await writeFile(file, text);
  expect(() => ensure(directory)).toThrow(`${file} does not hold a secret of at least 32 visible ASCII characters`);
  expect(await readFile(file, 'utf8')).toBe(text);
});
