import { once } from 'node:events';
import { createServer } from 'node:http';
import { Worker } from 'node:worker_threads';
import { expect, it } from 'vitest';
import { listen } from '../../../test/harness/listen.ts';
import { closePort } from './close-port.ts';

const CONNECTIONS = 20;

/** Sends requests, each on a connection of its own, from a thread of its own; reports how each ended. */
const client = `
  const { parentPort, workerData } = require('node:worker_threads');
  const { request } = require('node:http');
  for (let sent = 0; sent < ${CONNECTIONS}; sent++) {
    request({ port: workerData, agent: false }, (response) => parentPort.postMessage(response.statusCode))
      .on('error', (error) => parentPort.postMessage(error.code))
      .end();
  }
`;

function block(forMs: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, forMs);
}

it('requests on connections that the kernel took while the server was busy are answered before the port closes', async () => {
  const server = createServer((_request, response) => response.setHeader('connection', 'close').end('answered'));
  const port = await listen(server);
  const worker = new Worker(client, { eval: true, workerData: port });
  const endings: unknown[] = [];
  worker.on('message', (ending) => endings.push(ending));
  const exited = once(worker, 'exit');
  await once(worker, 'online');
  block(500);
  const { connectionsEnded } = await closePort(server);
  expect(server.listening).toBe(false);
  await exited;
  expect(endings).toEqual(Array(CONNECTIONS).fill(200));
  await connectionsEnded;
});
