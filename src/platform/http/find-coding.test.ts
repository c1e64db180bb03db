import { expect, test } from 'vitest';
import { findCoding } from './find-coding.ts';

test.each([
  ['gzip', 'gzip'],
  ['br', 'br'],
  ['gzip, deflate', 'gzip'],
  ['gzip, deflate, br, zstd', 'br'],
  ['GZIP ; q=0.5', 'gzip'],
  ['br;q=0.5, gzip;q=0.8', 'gzip'],
  ['br;q=0.800,gzip;q=0.8', 'br'],
  ['*', 'gzip'],
  ['br, *;q=0', 'br'],
  ['identity;q=0, gzip', 'gzip'],
  ['identity;q=0.5, gzip;q=0.5', 'gzip'],
])('compresses for a client that sends %s', (header, coding) => {
  expect(findCoding(header)).toBe(coding);
});

test.each([
  undefined,
  '',
  'identity',
  'deflate, zstd',
  'gzip;q=0',
  'gzip;q=0.000, br;q=0',
  'gzip;q=0, *',
  '*;q=0',
  'identity, gzip;q=0.5',
])('compresses nothing for a client that prefers it so: %s', (header) => {
  expect(findCoding(header)).toBeUndefined();
});

test.each([
  'identity;q=0',
  'gzip;q=high',
  'gzip;q=',
  'gzip;q=-1',
  'gzip;q=1.5',
  'gzip;q=1e0',
  'gzip;level=9',
  'gzip/br',
  ';;;,,,===',
  'gzi\u0000p',
  'constructor, __proto__',
  ','.repeat(16_000),
])('compresses nothing for a client that asks for nothing that there is: %s', (header) => {
  expect(findCoding(header)).toBeUndefined();
});
