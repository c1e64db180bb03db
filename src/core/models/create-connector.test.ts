import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { promisify } from 'node:util';
import { describe, expect, it, onTestFinished } from 'vitest';
import {
  ample,
  closeAfterEach,
  createTestModels,
  drainStream,
  hello,
  settle,
  startModels,
} from '../../../test/harness/test-models.ts';
import { createConnector, isPublicAddress } from './create-connector.ts';

closeAfterEach();

describe('an address', () => {
  it.each(['8.8.8.8', '1.1.1.1', '2606:4700:4700::1111', '::ffff:8.8.8.8'])('%s is public', (address) => {
    expect(isPublicAddress(address)).toBe(true);
  });

  it.each([
    ...['127.0.0.1', '127.1.2.3', '10.0.0.1', '172.16.0.1', '192.168.1.1', '169.254.169.254', '100.100.100.200'],
    ...['0.0.0.0', '224.0.0.1', '255.255.255.255', '192.0.2.1', '198.18.0.1'],
    ...['::1', '::', 'fe80::1', 'fe80::1%eth0', 'fd00:ec2::254', 'fc00::1', 'ff02::1'],
    ...['::ffff:127.0.0.1', '::ffff:a9fe:a9fe', '64:ff9b::7f00:1', '2002:7f00:1::', '2001:db8::1'],
    ...['::7f00:1', '::a9fe:a9fe'],
    ...['localhost', '', '2130706433x'],
  ])('%s is not', (address) => {
    expect(isPublicAddress(address)).toBe(false);
  });
});

describe('a provider in a private network', () => {
  const refused = { code: 'models.address_refused', status: 502, retryAfterMs: undefined };

  it.each(['127.0.0.1', 'localhost', '[::1]', '2130706433', '0x7f.1', '127.1', '[::ffff:127.0.0.1]', '0.0.0.0'])(
    'at %s is refused before it is connected to',
    async (host) => {
      const server = createServer().listen(0);
      let connectionCount = 0;
      server.on('connection', () => connectionCount++);
      await once(server, 'listening');
      onTestFinished(() => void server.close());
      const baseUrl = `http://${host}:${(server.address() as AddressInfo).port}/v1`;
      const { models, lines } = createTestModels({ baseUrl, allowPrivate: false });
      const { error } = await drainStream(models, hello(), { deadline: ample() });
      expect(error).toMatchObject(refused);
      expect((error as Error).message).not.toContain(host);
      await expect(models.complete(hello(), { deadline: ample() })).rejects.toMatchObject(refused);
      expect(connectionCount).toBe(0);
      expect(lines.join()).toContain('refuses this server or is refused by it');
    },
  );

  it('is refused over TLS too', async () => {
    const { models } = createTestModels({ baseUrl: 'https://localhost:1/v1', allowPrivate: false });
    expect((await settle(models.complete(hello(), { deadline: ample() }))).error).toMatchObject(refused);
  });

  it('is asked where the operator allows it', async () => {
    const { models } = await startModels({ text: 'yes' }, { allowPrivate: true });
    expect((await settle(models.complete(hello(), { deadline: ample() }))).text).toBe('yes');
  });
});

it('a name is looked up once for all connections that wait for it, so that one that hangs leaves others room', async () => {
  const server = createServer().listen(0);
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  const connect = createConnector({ connectTimeoutMs: 5_000, allowPrivate: true });
  const target = { hostname: 'localhost', protocol: 'http:', port: String((server.address() as AddressInfo).port) };
  const connections = Array.from({ length: 3 }, () => promisify(connect)(target));
  const lookUps = process.getActiveResourcesInfo().filter((resource) => resource === 'GetAddrInfoReqWrap');
  expect(lookUps).toHaveLength(1);
  for (const socket of await Promise.all(connections)) socket?.destroy();
});
