import { existsSync, globSync, readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { expect, test } from 'vitest';

const root = join(import.meta.dirname, '../..');
const pages = globSync(['*.md', 'docs/**/*.md'], { cwd: root });

const read = (page: string): string => readFileSync(join(root, page), 'utf8');

/** Where a page leads to within the repository: its links, and the files that it names in running text. */
function listTargets(page: string): string[] {
  const text = read(page);
  const links = [...text.matchAll(/\]\((?!https?:|#)([^)#\s]+)/g)].map(([, path = '']) => join(dirname(page), path));
  const named = [...text.matchAll(/`((?:src|test|docs|deploy|scripts|bench)\/[\w./-]+\.\w+)`/g)].map(
    ([, path = '']) => path,
  );
  return [...links, ...named];
}

test.each(pages)('%s leads only to what is there', (page) => {
  expect(listTargets(page).filter((path) => !existsSync(join(root, path)))).toEqual([]);
});

/** What links to the headings of a page name them by. */
const listAnchors = (page: string): string[] =>
  Array.from(read(page).matchAll(/^#+ (.+)$/gm), ([, heading = '']) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\w\s-]/g, '')
      .replaceAll(' ', '-'),
  );

test.each(pages)('%s leads only to headings that are there', (page) => {
  const links = [...read(page).matchAll(/\]\((?!https?:)([^)#\s]*)#([^)\s]+)\)/g)];
  const dead = links.filter(([, path, anchor = '']) => {
    const target = path ? join(dirname(page), path) : page;
    return !listAnchors(target).includes(anchor);
  });
  expect(dead.map(([link]) => link)).toEqual([]);
});

test('the house lists every folder of the source', () => {
  const house = read('docs/architecture.md');
  const folders = globSync('src/{core,platform}/*/', { cwd: root }).map((path) => basename(path));
  expect(folders.length).toBeGreaterThan(15);
  expect(folders.filter((folder) => !house.includes(` ${folder}/ `))).toEqual([]);
});

test('every guide is reached from the README', () => {
  const reached = new Set(listTargets('README.md'));
  expect(globSync('docs/guides/*.md', { cwd: root }).filter((guide) => !reached.has(guide))).toEqual([]);
});
