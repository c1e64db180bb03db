import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Product, startProduct } from '../harness/product.ts';

let product: Product;

beforeAll(async () => {
  product = await startProduct();
});

afterAll(() => product.stop());

test('a key that is revoked while a body is on its way makes no other key', async () => {
  const owner = await product.createUser();
  const stolen = await product.createKey(owner, ['keys:read', 'keys:write']);
  const listKeys = async () => {
    const { data } = (await (await product.request(owner, 'GET', '/v1/keys')).json()) as {
      data: { id: string; name: string }[];
    };
    return data;
  };
  const id = (await listKeys()).find(({ name }) => name === 'test')?.id;
  const body = JSON.stringify({ name: 'another', permissions: ['keys:read'] });
  const { hostname, port } = new URL(product.url);
  const socket = connect(Number(port), hostname);
  const lines = ['POST /v1/keys HTTP/1.1', 'Host: x', 'Connection: close', `Authorization: Bearer ${stolen}`];
  const more = ['Content-Type: application/json', `Content-Length: ${body.length}`];
  socket.write(`${[...lines, ...more].join('\r\n')}\r\n\r\n${body.slice(0, 5)}`);
  await sleep(200);
  expect((await product.request(owner, 'DELETE', `/v1/keys/${id}`)).status).toBe(200);
  socket.write(body.slice(5));
  expect(await text(socket)).toMatch(/^HTTP\/1.1 401 .*auth\.invalid_key/s);
  expect((await listKeys()).map(({ name }) => name)).not.toContain('another');
});
