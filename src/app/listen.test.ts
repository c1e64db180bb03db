import dns from 'node:dns';
import fastify from 'fastify';
import { expect, it, onTestFinished, vi } from 'vitest';
import { listen } from './listen.ts';

it('a server told to listen on "localhost" is one server, also where that has a second address', async () => {
  const addresses = ['127.0.0.1', '127.0.0.2'].map((address) => ({ address, family: 4 }));
  // As Node and Fastify look names up, for both of which it is the same function.
  const answer = (name: string, _options: unknown, done: (error: null, found: typeof addresses) => void): void =>
    done(null, name === 'localhost' ? addresses : [{ address: name, family: 4 }]);
  const lookup = vi.spyOn(dns, 'lookup').mockImplementation(answer as never);
  onTestFinished(() => lookup.mockRestore());
  const http = fastify();
  onTestFinished(() => http.close());
  const address = await listen(http, { host: 'localhost', port: 0 });
  expect(address).toMatch(/^http:\/\/(127\.0\.0\.1|\[::1\]):\d+$/);
  expect(http.addresses()).toHaveLength(1);
});
