import { expect, test } from 'vitest';
import { createTestServer } from '../../../test/harness/http-server.ts';

/** `request.ip` on a server that trusts 10.0.0.0/8. */
async function addressOf(remoteAddress: string, forwardedFor?: string): Promise<string> {
  const { server } = createTestServer(
    (one) => void one.get('/ip', { config: { access: 'public' } }, async (request) => ({ ip: request.ip })),
    { trustedProxies: ['10.0.0.0/8', '2001:db8:a::/48'] },
  );
  const headers = forwardedFor === undefined ? {} : { 'x-forwarded-for': forwardedFor };
  return (await server.inject({ url: '/ip', headers, remoteAddress })).json().ip;
}

test.each([
  ['192.0.2.1', '203.0.113.9'],
  ['2001:db8:b::1', '203.0.113.9'],
  ['::ffff:192.0.2.1', '203.0.113.9'],
])('X-Forwarded-For of %s, who is no proxy of ours, does not count', async (remoteAddress, forwardedFor) => {
  expect(await addressOf(remoteAddress, forwardedFor)).toBe(remoteAddress);
});

test.each([
  ['203.0.113.9', '203.0.113.9'],
  ['6.6.6.6, 203.0.113.9', '203.0.113.9'],
  ['6.6.6.6,203.0.113.9 ', '203.0.113.9'],
  ['203.0.113.9, 10.0.0.2', '203.0.113.9'],
  ['6.6.6.6, 203.0.113.9, 2001:db8:a::2, 10.0.0.2', '203.0.113.9'],
  ['10.0.0.3, 10.0.0.2', '10.0.0.3'],
  ['::ffff:203.0.113.9', '::ffff:203.0.113.9'],
  ['2001:db8::1', '2001:db8::1'],
])('the client is the last that no proxy of ours is: of %j it is %s', async (forwardedFor, ip) => {
  expect(await addressOf('10.0.0.1', forwardedFor)).toBe(ip);
  expect(await addressOf('::ffff:10.0.0.1', forwardedFor)).toBe(ip);
});

test.each([
  ['203.0.113.9:51234', '203.0.113.9'],
  ['[2001:db8::1]:443', '2001:db8::1'],
  ['[2001:db8::1]', '2001:db8::1'],
  ['fe80::1%eth0', 'fe80::1'],
  ['[fe80::1%25eth0]:80', 'fe80::1'],
  ['203.0.113.9:51234, 10.0.0.2:443', '203.0.113.9'],
  ['203.0.113.9, [2001:db8:a::2]:443', '203.0.113.9'],
])('ports, brackets and zones are no part of an address: of %j it is %s', async (forwardedFor, ip) => {
  expect(await addressOf('10.0.0.1', forwardedFor)).toBe(ip);
});

test.each([
  'unknown',
  '_hidden',
  '',
  ',',
  '203.0.113.9, ',
  '203.0.113.9:',
  '1.2.3.4.5',
  '[::g]',
  'x'.repeat(100),
  '[]:1',
])('a proxy that names no address counts as the client: %j', async (rubbish) => {
  expect(await addressOf('10.0.0.1', rubbish)).toBe('10.0.0.1');
  expect(await addressOf('10.0.0.1', `6.6.6.6, ${rubbish}, 10.0.0.2`)).toBe('10.0.0.2');
});

test('the zone of a connection from the same link is no part of its address', async () => {
  expect(await addressOf('fe80::1%eth0')).toBe('fe80::1');
});
