import { globSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';

import { findErrorSets } from '../../scripts/find-error-sets.ts';
import { renderErrorPages } from '../../scripts/render-error-pages.ts';
import { findAssistants } from '../../src/app/assistants/find-assistants.ts';
import { errorCodes } from '../../src/app/error-codes.ts';
import { findUnraised } from './find-unraised.ts';
import { listErrorCodes } from './list-error-codes.ts';

const root = `${import.meta.dirname}/../..`;
const sets = await findErrorSets(root);
const codes = (await listErrorCodes()).map((entry) => entry.code);

test('every code is there once', () => {
  expect(codes.filter((code, index) => codes.indexOf(code) !== index)).toEqual([]);
  expect(codes.length).toBeGreaterThan(0);
});

test('every code is a feature and a reason in lower case', () => {
  expect(codes.filter((code) => !/^[a-z]+\.[a-z]+(?:_[a-z]+)*$/.test(code))).toEqual([]);
});

test('every error that is declared is raised somewhere', () => {
  const paths = globSync('src/**/*.ts', { cwd: root }).filter((path) => !path.endsWith('.test.ts'));
  const sources = Object.fromEntries(paths.map((path) => [path, readFileSync(`${root}/${path}`, 'utf8')]));
  expect(sets.flatMap((set) => findUnraised(set, sources))).toEqual([]);
});

test('an error that is declared and raised nowhere is found, also when another set has one of that name', () => {
  const entry = (code: string) => ({ code, status: 404, retryAfterMs: undefined, quotesInput: false, message: '' });
  const set = { file: 'a/errors.ts', exportName: 'aErrors', catalogue: ['a.gone', 'a.lost', 'a.late'].map(entry) };
  const sources = {
    'a/one.ts': 'throw aErrors.raise.gone()',
    'a/two.ts': 'const { late, gone } = aErrors.raise;',
    'b/one.ts': 'throw bErrors.raise.lost()',
  };
  expect(findUnraised(set, sources)).toEqual(['a.lost']);
});

test('the reference pages list exactly the errors of the code', () => {
  const pages = Object.entries(renderErrorPages(sets));
  const texts = pages.map(([path]) => readFileSync(`${root}/${path}`, 'utf8'));
  const rows = texts.flatMap((text) => [...text.matchAll(/^\| `([\w.]+)`/gm)].map(([, code]) => code));
  expect(rows.toSorted()).toEqual(codes);
  // Message, status and retry too: `npm run generate` was run.
  expect(texts).toEqual(pages.map(([, text]) => text));
});

test('the server tells its callers of exactly the errors of the code', async () => {
  // What createServer puts into the OpenAPI document as x-error-codes.
  const told = [...errorCodes, ...(await findAssistants()).flatMap(({ errors }) => errors?.catalogue ?? [])];
  expect(told.map((entry) => entry.code).toSorted()).toEqual(codes);
});
