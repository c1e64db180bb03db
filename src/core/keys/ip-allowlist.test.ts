import { expect, it } from 'vitest';
import { areWithin, isAllowedFrom } from './ip-allowlist.ts';

it.each([
  ['10.1.2.3', '10.1.2.3', true],
  ['10.1.2.3', '10.1.2.4', false],
  ['10.1.2.3/8', '10.255.0.1', true],
  ['10.1.2.3/8', '11.0.0.1', false],
  ['10.0.0.0/8', '::ffff:10.9.9.9', true],
  ['10.0.0.0/8', '::ffff:11.9.9.9', false],
  ['::ffff:10.0.0.0/104', '10.9.9.9', true],
  ['2001:db8::/32', '2001:db8:ffff::1', true],
  ['2001:db8::/32', '2001:db9::1', false],
  ['2001:db8::1', '2001:db8::1', true],
  ['0.0.0.0/0', '203.0.113.9', true],
  ['0.0.0.0/0', 'unknown', false],
])('a key for %s used from %s: %s', (range, address, isAllowed) => {
  expect(isAllowedFrom([range], address)).toBe(isAllowed);
});

it('one network of several is enough', () => {
  const allowlist = ['192.0.2.0/24', '2001:db8::/32'];
  expect(isAllowedFrom(allowlist, '192.0.2.7')).toBe(true);
  expect(isAllowedFrom(allowlist, '2001:db8::7')).toBe(true);
  expect(isAllowedFrom(allowlist, '198.51.100.7')).toBe(false);
});

it.each([
  [['10.1.0.0/16'], ['10.0.0.0/8'], true],
  [['10.0.0.0/8'], ['10.0.0.0/8'], true],
  [['10.0.0.0/8'], ['10.1.0.0/16'], false],
  [['10.1.2.3'], ['192.0.2.1', '10.1.2.3'], true],
  [['10.1.2.3', '192.0.2.1'], ['10.1.2.3'], false],
  [['10.1.2.3/0'], ['10.1.2.3'], false],
  [['10.0.0.0/8'], ['10.0.0.0/9', '10.128.0.0/9'], false],
  [['2001:db8:1::/48'], ['2001:db8::/32'], true],
  [['2001:db8::/16'], ['2001:db8::/32'], false],
  [['10.1.2.3'], ['::/0'], false],
  [['::ffff:10.1.2.3'], ['10.0.0.0/8'], false],
])('%j lie within %j: %s', (networks, others, isWithin) => {
  expect(areWithin(networks, others)).toBe(isWithin);
});
