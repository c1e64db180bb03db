import { expect, test } from 'vitest';
import { withoutGreetings, withoutThanks } from './courtesies.ts';

test.each([
  ['show my tasks, please!', 'show my tasks'],
  ['add milk for tomorrow please, thanks', 'add milk for tomorrow'],
  ['lägg till mjölk, snälla, tack!', 'lägg till mjölk'],
  ['add milk, thank you very much', 'add milk'],
  ['lägg till mjölk, tack så mycket', 'lägg till mjölk'],
  ['add milk. Thanks!', 'add milk'],
  ['lägg till mjölk! Tack!', 'lägg till mjölk'],
  ['add say thank you', 'add say thank you'],
])('"%s" asks for "%s"', (said, asked) => {
  expect(withoutThanks(said)).toBe(asked);
});

test('of several greetings none is left', () => {
  expect(withoutGreetings('Ok, hej! vad har jag att göra?')).toBe('vad har jag att göra?');
});
