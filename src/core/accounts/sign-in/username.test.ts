import { expect, it } from 'vitest';
import { deriveUsername, USERNAME_PATTERN } from './username.ts';

const pattern = new RegExp(USERNAME_PATTERN);

it('refuses a name that looks like an API key: no URL could hold it, not even to have the account erased', () => {
  expect('ek_anna').not.toMatch(pattern);
  for (const name of ['ekanna', 'ek-anna', 'week_1']) expect(name).toMatch(pattern);
});

it.each(['ek_anna', 'EK_EK_Anna', '._ek_anna', 'ek_', 'Ek', '', 'Åsa Öberg', '__'])(
  'makes a username of %j',
  (name) => {
    for (const username of Object.values(deriveUsername(name))) expect(username).toMatch(pattern);
  },
);
