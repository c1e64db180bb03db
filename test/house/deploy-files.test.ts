import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { parse } from 'yaml';
import manifest from '../../package.json' with { type: 'json' };
import { loadConfig } from '../../src/platform/config/index.ts';

const read = (path: string): string => readFileSync(join(import.meta.dirname, '../../deploy', path), 'utf8');

interface Service {
  readonly environment?: Record<string, string | null>;
  readonly networks?: { readonly default: { readonly ipv4_address: string } };
  readonly depends_on?: object;
  readonly stop_grace_period?: string;
  readonly build?: object;
}

const compose = parse(read('compose.yaml'), { merge: true }) as { services: Record<string, Service> };
const { services } = compose;
const servers = Object.values(services).filter(({ build }) => build !== undefined);
const nginx = read('nginx.conf');

/** What the container of a server is given: the image's variables, and those of compose with its placeholders filled in. */
function configOf({ environment = {} }: Service) {
  const [, ofImage = ''] = /^ENV (.+)$/m.exec(read('Dockerfile')) ?? [];
  const filled = Object.entries(environment)
    .filter(([, value]) => value !== null)
    .map(([name, value]) => [name, String(value).replace(/\$\{[^}]+\}/g, 'x'.repeat(40))]);
  return loadConfig({
    ...Object.fromEntries(ofImage.split(' ').map((pair) => pair.split('='))),
    ...Object.fromEntries(filled),
  });
}

it('the servers of compose have the variables of the configuration and believe nginx alone', () => {
  expect(servers).toHaveLength(2);
  for (const server of servers) {
    const config = configOf(server);
    expect(config.http).toMatchObject({ host: '0.0.0.0', port: 8000 });
    expect(config.http.trustedProxies).toEqual([services.nginx?.networks?.default.ipv4_address]);
    expect(config.redis.url).toContain('redis://redis:');
    expect(new URL(config.database.url ?? '').hostname).toBe('postgres');
  }
});

it('nginx leads to the servers of compose, and to nothing else', () => {
  const upstreams = [...nginx.matchAll(/^ +server ([\d.]+):8000 /gm)].map(([, address]) => address);
  expect(upstreams).toEqual(servers.map(({ networks }) => networks?.default.ipv4_address));
});

it('nginx and Docker wait for longer than the servers do', () => {
  const config = loadConfig({});
  const secondsOf = (setting: string): number => Number(new RegExp(`${setting} (\\d+)s;`).exec(nginx)?.[1]);
  expect(secondsOf('proxy_read_timeout') * 1000).toBeGreaterThan(config.models.totalTimeoutMs + 15_000);
  expect(Number(/client_max_body_size (\d+)m;/.exec(nginx)?.[1]) * 1024 * 1024).toBe(config.http.bodyLimitBytes);
  for (const { stop_grace_period: grace = '' } of servers) {
    expect(Number.parseInt(grace, 10) * 1000).toBeGreaterThan(config.http.drainTimeoutMs + 5_000);
  }
});

it('the image starts the server as npm start does', () => {
  const [, command = '[]'] = /^CMD (.+)$/m.exec(read('Dockerfile')) ?? [];
  expect(`exec ${JSON.parse(command).join(' ')}`).toBe(manifest.scripts.start);
});

it('the secrets that the guide has written beside compose are not committed', () => {
  const guide = read('../docs/guides/from-one-machine-to-many.md');
  const [, file] = /> deploy\/(\S+)$/m.exec(guide) ?? [];
  expect(read('../.gitignore').split('\n')).toContain(file);
});

it('the containers wait for services that exist', () => {
  for (const { depends_on: others = [] } of Object.values(services)) {
    const names = Array.isArray(others) ? others : Object.keys(others);
    for (const name of names) expect(Object.keys(services)).toContain(name);
  }
});
