import { globSync } from 'node:fs';
import { expect, test } from 'vitest';

const root = `${import.meta.dirname}/../..`;
const FOREIGN_FOLDERS = ['node_modules', '.git', 'data'];

/** Names that say nothing of what is inside, so everything ends up there. */
const EMPTY_NAMES = ['utils', 'util', 'helpers', 'helper', 'common', 'misc'];

/** The paths with a folder or file of an empty name. */
const findEmptyNames = (paths: readonly string[]): string[] =>
  paths.filter((path) => path.split(/[\\/]/).some((part) => EMPTY_NAMES.includes(part.split('.', 1)[0] ?? '')));

test('no folder or file is called utils, helpers, common or misc', () => {
  const paths = globSync('**', { cwd: root, exclude: (name) => FOREIGN_FOLDERS.includes(name) });
  expect(paths).toContain('package.json');
  expect(findEmptyNames(paths)).toEqual([]);
});

test('such a name is found in the middle of a path, and not in a longer word', () => {
  expect(findEmptyNames(['src/utils/a.ts', 'src/core/helpers.ts', 'a/common.test.ts', 'a/uncommon.ts'])).toHaveLength(
    3,
  );
});
