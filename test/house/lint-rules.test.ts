// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the planted sources hold templates of their own.
import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

const root = join(import.meta.dirname, '../..');
const biome = join(root, 'node_modules/@biomejs/biome/bin/biome');

interface Report {
  readonly diagnostics: readonly { category: string; severity: string; location: { path: string } }[];
}

/** What a rule refuses: the category it is reported under, the file, and its text. */
type Refused = readonly [category: string, path: string, text: string];

const lines = (count: number): string => Array.from({ length: count }, (_, n) => `  console(${n});\n`).join('');

const refused: Refused[] = [
  [
    'lint/complexity/noExcessiveLinesPerFunction',
    'src/base/long.ts',
    `export function f(console: (n: number) => void) {\n${lines(51)}}\n`,
  ],
  [
    'lint/complexity/useMaxParams',
    'src/base/wide.ts',
    'export const f = (a: number, b: number, c: number, d: number) => a + b + c + d;\n',
  ],
  [
    'lint/complexity/noExcessiveCognitiveComplexity',
    'src/base/knot.ts',
    `export function f(a: number[]): number {\n  for (const b of a) {${'\nif (b > 1) {'.repeat(6)} return b; ${'}'.repeat(6)}\n  }\n  return 0;\n}\n`,
  ],
  [
    'lint/style/noExcessiveLinesPerFile',
    'src/base/tall.ts',
    Array.from({ length: 301 }, (_, n) => `export const a${n} = ${n};\n`).join(''),
  ],
  ['lint/style/useFilenamingConvention', 'src/base/camelCase.ts', 'export const a = 1;\n'],
  [
    'lint/suspicious/noImportCycles',
    'src/base/ring.ts',
    "import { b } from './ring-two.ts';\nexport const a = () => b;\n",
  ],
  ['lint/style/noProcessEnv', 'src/core/chat/environment.ts', 'export const a = () => process.env.HOME;\n'],
  ['lint/suspicious/noConsole', 'src/core/chat/shout.ts', "export const a = () => console.log('a');\n"],
  ['lint/suspicious/noExplicitAny', 'src/base/any.ts', 'export const a = (b: any): unknown => b;\n'],
  ['lint/style/noNonNullAssertion', 'src/base/bang.ts', 'export const a = (b?: string): string => b!;\n'],
  ['lint/style/noDefaultExport', 'src/base/default.ts', 'export default 1;\n'],
  [
    'lint/nursery/noFloatingPromises',
    'src/base/float.ts',
    'const b = async (): Promise<number> => 1;\nexport const a = () => {\n  b();\n};\n',
  ],
  [
    'lint/style/useImportType',
    'src/base/value-import.ts',
    "import { Clock } from './time.ts';\nexport type A = Clock;\n",
  ],
  ['plugin', 'src/base/variable.ts', 'export const timeout = 5;\n'],
  ['plugin', 'src/base/parameter.ts', 'export const f = (maxAge: number) => maxAge;\n'],
  ['plugin', 'src/base/destructured.ts', 'export const f = ({ size }: { size: number }) => size;\n'],
  ['plugin', 'src/base/renamed.ts', 'export const f = ({ a: ttl }: { a: number }) => ttl;\n'],
  ['plugin', 'src/base/member.ts', 'export interface A {\n  readonly retryDelay: number;\n}\n'],
  [
    'plugin',
    'src/base/field.ts',
    'export class A {\n  readonly #interval = 5;\n  get() {\n    return this.#interval;\n  }\n}\n',
  ],
  ['plugin', 'src/core/chat/template.ts', "export const f = (db: any, id: string) => db.query(`select '${id}'`);\n"],
  [
    'plugin',
    'src/core/chat/concatenated.ts',
    "export const f = (db: any, id: string) => db.pool.query<{ a: 1 }>('select ' + id, []);\n",
  ],
];

const allowed: Readonly<Record<string, string>> = {
  'src/base/unit.ts':
    "import { setTimeout as delay } from 'node:timers/promises';\n\nexport const f = (timeoutMs: number, poolSize: number, message: string) =>\n  delay(timeoutMs, { timeout: poolSize, size: message });\n",
  'src/core/chat/tagged.ts':
    "import { sql } from '../../platform/postgres/statement.ts';\n\nexport const f = (db: { query: (a: unknown) => unknown }, id: string) =>\n  db.query(sql`\n    -- a.b\n    select ${id}`);\n",
  'src/main.ts': 'console.log(process.env.HOME);\n',
  'vitest.config.ts': 'export default {};\n',
  'src/base/long.test.ts': `import { describe, expect, test } from 'vitest';\n\ndescribe('a', () => {\n${"  test('b', () => expect(1).toBe(1));\n".repeat(60)}});\n`,
};

let folder: string;
let report: Report;

async function plant(path: string, text: string): Promise<void> {
  await mkdir(dirname(join(folder, path)), { recursive: true });
  await writeFile(join(folder, path), text);
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'evenkeel-lint-'));
  await cp(join(root, 'biome.json'), join(folder, 'biome.json'));
  await cp(join(root, 'lint'), join(folder, 'lint'), { recursive: true });
  await plant('src/base/ring-two.ts', "import { a } from './ring.ts';\nexport const b = () => a;\n");
  for (const [, path, text] of refused) await plant(path, text);
  for (const [path, text] of Object.entries(allowed)) await plant(path, text);
  const args = [biome, 'lint', '--reporter=json', '--max-diagnostics=none'];
  const result = await promisify(execFile)(process.execPath, args, { cwd: folder }).catch((error) => error);
  report = JSON.parse(result.stdout);
});

afterAll(() => rm(folder, { recursive: true }));

const errorsIn = (path: string): string[] =>
  report.diagnostics
    .filter((diagnostic) => diagnostic.location.path === path && diagnostic.severity === 'error')
    .map((diagnostic) => diagnostic.category);

describe('the linter refuses', () => {
  test.each(refused)('%s in %s', (category, path) => {
    expect(errorsIn(path)).toContain(category);
  });
});

describe('the linter lets pass', () => {
  test.each(Object.keys(allowed))('%s', (path) => {
    expect(errorsIn(path)).toEqual([]);
  });
});
