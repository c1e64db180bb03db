import { existsSync, globSync, readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { expect, test } from 'vitest';

const root = join(import.meta.dirname, '../..');
const pages = globSync(['*.md', 'docs/**/*.md'], { cwd: root });

/** Where a page leads to within the repository: its links, and the files that it names in running text. */
function listTargets(page: string): string[] {
  const text = readFileSync(join(root, page), 'utf8');
  const links = [...text.matchAll(/\]\((?!https?:|#)([^)#\s]+)/g)].map(([, path = '']) => join(dirname(page), path));
  const named = [...text.matchAll(/`((?:src|test|docs|deploy|scripts|bench)\/[\w./-]+\.\w+)`/g)].map(
    ([, path = '']) => path,
  );
  return [...links, ...named];
}

test.each(pages)('%s leads only to what is there', (page) => {
  expect(listTargets(page).filter((path) => !existsSync(join(root, path)))).toEqual([]);
});

test('the house lists every folder of the source', () => {
  const house = readFileSync(join(root, 'docs/architecture.md'), 'utf8');
  const folders = globSync('src/{core,platform}/*/', { cwd: root }).map((path) => basename(path));
  expect(folders.length).toBeGreaterThan(15);
  expect(folders.filter((folder) => !house.includes(` ${folder}/ `))).toEqual([]);
});

test('every guide is reached from the README', () => {
  const reached = new Set(listTargets('README.md'));
  expect(globSync('docs/guides/*.md', { cwd: root }).filter((guide) => !reached.has(guide))).toEqual([]);
});
