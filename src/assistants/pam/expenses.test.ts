import { expect, test } from 'vitest';
import { toCategory } from './expenses.ts';

test.each(['fuel', 'café', 'cafe\u0301', 'προΐκα', 'ǰ'])('the category %s is the same in capitals', (category) => {
  expect(toCategory(`${category.toUpperCase()} `)).toBe(category.normalize());
  expect(toCategory(category)).toBe(category.normalize());
});
