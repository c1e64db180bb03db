import { execFile } from 'node:child_process';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';

import { findImportFaults } from './import-graph.ts';

const root = `${import.meta.dirname}/../..`;
const run = promisify(execFile);

test('imports in src go one way and in no circle', () => {
  const paths = globSync('src/**/*.ts', { cwd: root }).map((path) => path.replaceAll('\\', '/'));
  expect(paths.length).toBeGreaterThan(20);
  const sources = Object.fromEntries(paths.map((path) => [path, readFileSync(`${root}/${path}`, 'utf8')]));
  expect(findImportFaults(sources)).toEqual([]);
});

test("no start loads Node's WebSocket and fetch, as it does that imports its HTTP as a value", async () => {
  const loaded = `await import(${JSON.stringify(join(root, 'src/app/create-server.ts'))});
    console.log(process.moduleLoadList.filter((module) => module.includes('undici')).join())`;
  const { stdout } = await run(process.execPath, ['--input-type=module', '-e', loaded]);
  expect(stdout).toBe('\n');
});

test('to import a file does no work: none begins a timer or opens anything', async () => {
  const paths = globSync('src/**/*.ts', { cwd: root }).filter((path) => !/\.test\.ts$|^src.main\.ts$/.test(path));
  const files = paths.map((path) => join(root, path));
  // The pipes are how it tells.
  const importAll = `for (const file of ${JSON.stringify(files)}) await import(file);
    console.log(process.getActiveResourcesInfo().filter((kind) => kind !== 'PipeWrap').join()); process.exit();`;
  const { stdout } = await run(process.execPath, ['--input-type=module', '-e', importAll]);
  expect(stdout).toBe('\n');
});

/** The faults of a single import statement in a file. */
const faultsOf = (from: string, statement: string): string[] => findImportFaults({ [from]: statement });

describe('a wrong arrow is refused with the file, the arrow and what to do instead', () => {
  test.each([
    ['src/base/a.ts', "import { b } from '../platform/log/index.ts';", 'base is pure'],
    ['src/base/a.ts', "import type { b } from '../platform/log/index.ts';", 'base is pure'],
    ['src/base/a.ts', "export * from '../core/keys/index.ts';", 'base is pure'],
    ['src/base/a.ts', "export type A = import('../kit/b.ts').B;", 'base is pure'],
    ['src/base/a.ts', "export const a = async () => await import('../core/keys/index.ts');", 'base is pure'],
    ['src/platform/http/a.ts', "import { b } from '../cache/index.ts';", 'take it as an option'],
    ['src/platform/http/a.ts', "import { b } from '../../core/keys/index.ts';", 'take it as an option'],
    ['src/platform/log/a.ts', "import { b } from '../config/index.ts';", 'take it as an option'],
    ['src/core/keys/a.ts', "import { b } from '../chat/index.ts';", 'chat comes after keys'],
    ['src/core/keys/a.ts', "import type { B } from '../chat/index.ts';", 'chat comes after keys'],
    ['src/core/chat/a.ts', "import { b } from '../keys/queries.ts';", 'src/core/keys/index.ts'],
    ['src/core/chat/routes/a.ts', "import { b } from '../../keys/routes/index.ts';", 'src/core/keys/index.ts'],
    ['src/core/chat/a.ts', "import { b } from '../weather/index.ts';", 'CORE_ORDER'],
    ['src/core/chat/a.ts', "import { b } from '../../app/serve.ts';", 'platform and base only'],
    ['src/core/chat/a.ts', "import { b } from '../../kit/index.ts';", 'platform and base only'],
    ['src/kit/a.ts', "import { b } from '../core/chat/index.ts';", 'import type'],
    ['src/kit/a.ts', "import { type B, c } from '../core/chat/index.ts';", 'import type'],
    ['src/kit/a.ts', "import { b } from '../platform/redis/index.ts';", 'platform/{postgres,http}/index.ts'],
    ['src/kit/a.ts', "import { b } from '../platform/postgres/migrate.ts';", 'platform/{postgres,http}/index.ts'],
    ['src/kit/a.ts', "import type { B } from '../app/serve.ts';", 'base, core and platform only'],
    ['src/assistants/todo/a.ts', "import type { B } from '../pam/index.ts';", 'kit and base only'],
    ['src/assistants/todo/tools/a.ts', "import { b } from '../../../core/chat/index.ts';", 'kit and base only'],
    ['src/assistants/todo/a.ts', "import { b } from '../../platform/postgres/index.ts';", 'kit and base only'],
    ['src/app/a.ts', "import { b } from '../main.ts';", 'main.ts starts app'],
    ['src/app/a.ts', "import { b } from '../../test/stubs/provider.ts';", 'nothing in src imports from test/'],
    ['src/app/a.ts', "import { b } from '../../bench/distance.ts';", 'nothing in src imports from bench/'],
    ['src/core/chat/a.ts', "import { b } from '../../../scripts/b.ts';", 'nothing in src imports from scripts/'],
    ['src/app/a.ts', "import { b } from '../core/chat/b.test.ts';", 'nothing imports a test'],
    ['src/services/a.ts', "import { b } from '../base/b.ts';", 'no folder src/services'],
  ])('%s: %s', (from, statement, advice) => {
    const faults = faultsOf(from, statement);
    expect(faults).toHaveLength(1);
    expect(faults[0]).toContain(`${from} → `);
    expect(faults[0]).toContain(advice);
  });
});

describe('a right arrow passes', () => {
  test.each([
    ['src/base/a.ts', "import { b } from './b.ts'; import pg from 'pg';"],
    ['src/platform/http/a.ts', "import { b } from '../log/index.ts'; import { c } from '../postgres/database.ts';"],
    ['src/core/chat/turns/a.ts', "import { b } from '../queries.ts'; import { c } from '../../keys/index.ts';"],
    ['src/core/chat/a.ts', "import { b } from '../../platform/cache/index.ts'; import { c } from '../../base/b.ts';"],
    ['src/kit/a.ts', "import type { B } from '../core/chat/index.ts'; import { type C } from '../core/keys/index.ts';"],
    ['src/kit/a.ts', "export { sql } from '../platform/postgres/index.ts';"],
    ['src/assistants/todo/tools/a.ts', "import { b } from '../queries.ts'; import { c } from '../../../kit/index.ts';"],
    [
      'src/app/a.ts',
      "import { b } from '../assistants/todo/index.ts'; import { c } from '../platform/config/index.ts';",
    ],
    ['src/main.ts', "import { b } from './app/serve.ts'; import { c } from './platform/config/index.ts';"],
    ['src/core/keys/a.test.ts', "import { b } from '../../../test/harness/postgres.ts';"],
  ])('%s: %s', (from, statement) => {
    expect(faultsOf(from, statement)).toEqual([]);
  });
});

describe('a circle is refused', () => {
  test('of two files, through types alone', () => {
    const faults = findImportFaults({
      'src/base/a.ts': "import type { B } from './b.ts';",
      'src/base/b.ts': "import type { A } from './a.ts';",
    });
    expect(faults).toEqual([
      'src/base/a.ts: import cycle src/base/a.ts → src/base/b.ts → src/base/a.ts: move what both need into a file of its own',
    ]);
  });

  test('of a file with itself, and one that is entered from outside', () => {
    expect(faultsOf('src/base/a.ts', "import { a } from './a.ts';")).toHaveLength(1);
    const faults = findImportFaults({
      'src/base/door.ts': "import { a } from './a.ts';",
      'src/base/a.ts': "import { b } from './b.ts';",
      'src/base/b.ts': "import { c } from './c.ts';",
      'src/base/c.ts': "import { a } from './a.ts';",
    });
    expect(faults).toHaveLength(1);
  });
});
