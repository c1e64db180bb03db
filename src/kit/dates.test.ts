import { expect, test } from 'vitest';
import { hasTwoReadings, toPlainSwedishDates } from './dates.ts';

test.each([
  ['12/3', true],
  ['5/5', false],
  ['13/3', false],
  ['3/13', false],
  ['1/123', false],
  ['tomorrow', false],
])('"%s" can be read as two days: %j', (text, isSo) => {
  expect(hasTwoReadings(text)).toBe(isSo);
});

test.each([
  ['måndagen den 5:e december', 'måndag den 5 december'],
  ['påsksöndagen den 5 april', 'påsksöndagen den 5 april'],
  ['städa måndagen', 'städa måndagen'],
  ['planka A5:e maj', 'planka A5:e maj'],
])('of "%s" dates alone are put into plain words: "%s"', (text, plain) => {
  expect(toPlainSwedishDates(text)).toBe(plain);
});
