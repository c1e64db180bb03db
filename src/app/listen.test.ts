import dns from 'node:dns';
import { once } from 'node:events';
import { createServer, Server } from 'node:net';
import { networkInterfaces } from 'node:os';
import fastify from 'fastify';
import { expect, it, onTestFinished, vi } from 'vitest';
import { findFreePort } from '../../test/harness/find-free-port.ts';
import { checkAddress, listen } from './listen.ts';

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

it('a look whether a server could listen somewhere finds one that does, and lets nobody connect meanwhile', async () => {
  const port = await findFreePort();
  const listens = vi.spyOn(Server.prototype, 'listen');
  onTestFinished(() => listens.mockRestore());
  await checkAddress({ host: '127.0.0.1', port });
  expect(listens).not.toHaveBeenCalled();
  const server = createServer().listen(port, '127.0.0.1');
  onTestFinished(() => void server.close());
  await once(server, 'listening');
  const inUse = checkAddress({ host: '0.0.0.0', port });
  await expect(inUse).rejects.toThrow(`cannot listen on 0.0.0.0:${port} (EADDRINUSE)`);
});

const hasIpv6 = Object.values(networkInterfaces()).some((addresses) =>
  addresses?.some(({ address }) => address === '::1'),
);

it.runIf(hasIpv6)('a server that listens on all addresses says one at which it is reached', async () => {
  const http = fastify();
  onTestFinished(() => http.close());
  const address = await listen(http, { host: '::', port: 0 });
  expect(address).toMatch(/^http:\/\/\[::1\]:\d+$/);
  expect((await fetch(address)).status).toBe(404);
});

it('what is wrong with the server itself is not said to be wrong with its address', async () => {
  const http = fastify();
  onTestFinished(() => http.close());
  http.addHook('onReady', async () => Promise.reject(new Error('Two routes are one.')));
  await expect(listen(http, { host: '127.0.0.1', port: 0 })).rejects.toThrow(/^Two routes are one\.$/);
});

it('a port that this user may not take is said to be one', async () => {
  const refused = async () => Promise.reject(Object.assign(new Error('listen EACCES'), { code: 'EACCES' }));
  const http = { ready: async () => undefined, listen: refused } as unknown as Parameters<typeof listen>[0];
  const listening = listen(http, { host: '127.0.0.1', port: 80 });
  await expect(listening).rejects.toThrow('127.0.0.1:80 (EACCES): set PORT to one that this user may take');
});
