import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Client } from 'pg';
import { expect, onTestFinished, test } from 'vitest';
import { requestCancel } from './cancel-request.ts';

test.each(['a port', 'a socket in a folder'])(
  'a request to cancel reaches a server that listens at %s',
  async (place) => {
    const folder = await mkdtemp(join(tmpdir(), 'evenkeel-cancel-'));
    onTestFinished(() => rm(folder, { recursive: true }));
    const heard = Promise.withResolvers<Buffer>();
    const server = createServer((socket) => socket.once('data', (bytes) => heard.resolve(bytes) ?? socket.end()));
    onTestFinished(() => void server.close());
    const isPort = place === 'a port';
    server.listen(isPort ? { port: 0, host: '127.0.0.1' } : { path: join(folder, '.s.PGSQL.5432') });
    await once(server, 'listening');
    const address = isPort
      ? { host: '127.0.0.1', port: (server.address() as AddressInfo).port }
      : { host: folder, port: 5432 };
    const client = { ...address, ssl: false, processID: 17, secretKey: 18 } as unknown as Client;
    const { delivered } = requestCancel(client);
    const bytes = await heard.promise;
    expect([0, 4, 8, 12].map((at) => bytes.readInt32BE(at))).toEqual([16, 80_877_102, 17, 18]);
    expect(await delivered).toBe(true);
  },
);
