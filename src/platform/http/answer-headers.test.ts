import { once } from 'node:events';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { createTestServer, listen, signedIn, type TestServer } from '../../../test/harness/http-server.ts';

let made: TestServer;
beforeAll(() => {
  made = createTestServer((server) => {
    server.get('/private', { config: { access: 'x:read' } }, async () => ({}));
    server.get('/kept', { config: { access: 'x:read' } }, async (_request, reply) => {
      reply.header('cache-control', 'private, max-age=60');
      return {};
    });
    server.get('/public', { config: { access: 'public' } }, async () => ({}));
    server.post('/public', { config: { access: 'public' } }, async () => ({}));
    server.addWebSocketRoute('/ws', { schema: {}, admit: async () => {}, open: (socket) => socket.cut() });
  });
});
afterAll(() => made.server.close());

test('every answer forbids sniffing, framing and running, errors too', async () => {
  for (const url of ['/public', '/unknown', '/%ff']) {
    const { headers } = await made.server.inject(url);
    expect(headers, url).toMatchObject({
      'x-content-type-options': 'nosniff',
      'x-frame-options': 'DENY',
      'content-security-policy': "default-src 'none';frame-ancestors 'none'",
      'strict-transport-security': expect.stringContaining('max-age='),
    });
    expect(headers, url).not.toHaveProperty('x-powered-by');
  }
});

test('the answer that opens a WebSocket tells its id and where the time went, as every answer does', async () => {
  const url = `ws://127.0.0.1:${await listen(made.server)}/ws`;
  const socket = new WebSocket(url, { headers: { 'x-request-id': 'mine' } });
  const [{ headers }] = await once(socket, 'upgrade');
  expect(headers).toMatchObject({ 'x-request-id': 'mine', 'server-timing': expect.stringMatching(/^total;dur=/) });
});

test('answers to a caller are kept by nobody, unless the route says otherwise', async () => {
  const kept = async (url: string, method: 'GET' | 'POST' = 'GET') => {
    const { headers } = await made.server.inject({ method, url, headers: signedIn });
    return [headers['cache-control'], String(headers.vary)];
  };
  expect(await kept('/private')).toEqual(['private, no-store', 'Origin, Authorization']);
  expect(await kept('/kept')).toEqual(['private, max-age=60', 'Origin, Authorization']);
  expect(await kept('/public')).toEqual([undefined, 'Origin']);
  expect(await kept('/public', 'POST')).toEqual(['private, no-store', 'Origin']);
});

describe('CORS', () => {
  const ask = (origin: string, url = '/public') => made.server.inject({ url, headers: { origin } });

  test.each(['https://app.example.com', 'capacitor://localhost'])(
    'lets in the listed origin %s exactly, on errors too, and never credentials',
    async (origin) => {
      for (const url of ['/public', '/private', '/unknown', '/private%zz']) {
        const { headers } = await ask(origin, url);
        expect(headers['access-control-allow-origin'], url).toBe(origin);
        expect(headers['access-control-expose-headers'], url).toContain('x-request-id');
        expect(headers).not.toHaveProperty('access-control-allow-credentials');
      }
    },
  );

  test('lets pages read the headers that errors and the documentation send them to', async () => {
    const { headers } = await ask('https://app.example.com');
    const told = ['allow', 'etag', 'idempotent-replayed', 'location', 'ratelimit', 'ratelimit-policy', 'retry-after'];
    const rest = ['retry-after-ms', 'server-timing', 'x-request-id', 'x-should-retry'];
    const ours = ['limit', 'remaining', 'reset'].map((name) => `x-ratelimit-${name}-requests`);
    const exposed = String(headers['access-control-expose-headers']).split(', ').sort();
    expect(exposed).toEqual([...told, ...rest, ...ours].sort());
  });

  test.each([
    'https://app.example.com.evil.com',
    'http://app.example.com',
    'https://app.example.com:8443',
    'null',
    'https://sub.app.example.com',
    'ionic://localhost',
  ])('lets in no other: %s', async (origin) => {
    expect((await ask(origin)).headers).not.toHaveProperty('access-control-allow-origin');
  });

  test.each(['/private', '/private%zz'])('answers preflights without a credential: %s', async (url) => {
    const answer = await made.server.inject({
      method: 'OPTIONS',
      url,
      headers: {
        origin: 'https://app.example.com',
        'access-control-request-method': 'DELETE',
        'access-control-request-headers': 'authorization,content-type',
      },
    });
    expect(answer.statusCode).toBe(204);
    expect(answer.headers['access-control-allow-methods']).toContain('DELETE');
    expect(answer.headers['access-control-allow-headers']).toBe('authorization,content-type');
  });

  test.each(['*', 'app.example.com', 'https://app.example.com/', 'https://*.example.com/x', 'https://*.example.com'])(
    'cannot be configured as %s',
    (origin) => {
      expect(() => createTestServer(() => {}, { corsOrigins: [origin] })).toThrow(/exact origins/);
    },
  );
});
