import { createServer, type Socket } from 'node:net';
import { afterAll, beforeAll, beforeEach, expect, it, onTestFinished } from 'vitest';
import { findFreePort } from '../harness/find-free-port.ts';
import { listen } from '../harness/listen.ts';
import type { IssuerMode } from '../harness/test-issuer.ts';
import { CANARY, type SoundSetUp, startSoundSetUp } from './doctor-set-up.ts';

let sound: SoundSetUp;

beforeAll(async () => {
  sound = await startSoundSetUp();
});

beforeEach(() => {
  sound.issuer.mode = 'well';
  sound.collectorStatus = 200;
});

afterAll(() => sound?.stop());

/** The one thing that the doctor finds wrong with these variables. */
async function diagnoseOne(variables: Record<string, string | undefined> = {}) {
  const findings = await sound.diagnose(variables);
  expect(findings).toHaveLength(1);
  return findings[0];
}

/** A port that takes connections, and hands them over. */
async function takePort(take: (socket: Socket) => void): Promise<number> {
  const server = createServer(take);
  onTestFinished(() => void server.close());
  const port = await listen(server);
  return port;
}

it.each<[IssuerMode, string]>([
  ['down', 'other side closed'],
  ['silent', 'due to timeout'],
  ['impostor', 'is of another issuer, ".*/other"'],
  ['redirect', 'answered 302'],
])('finds that an identity provider which is %s gives no keys', async (mode, reason) => {
  sound.issuer.mode = mode;
  expect(await diagnoseOne()).toMatchObject({
    check: 'sign-in',
    level: 'broken',
    what: expect.stringMatching(`the keys of ${sound.issuer.issuer} cannot be had: .*${reason}`),
    what_to_do: expect.stringContaining('exactly as the provider does'),
  });
});

it('finds that a mail server does not let us in, and keeps the password to itself', async () => {
  const url = new URL(sound.variables.SMTP_URL ?? '');
  url.password = CANARY;
  expect(await diagnoseOne({ SMTP_URL: url.href })).toMatchObject({
    check: 'mail',
    level: 'broken',
    what: expect.stringContaining(`${url.host} does not let us in: `),
    what_to_do: expect.stringContaining('the user and the password in SMTP_URL'),
  });
});

it('finds that a mail server is not there', async () => {
  const host = `127.0.0.1:${await findFreePort()}`;
  expect(await diagnoseOne({ SMTP_URL: `smtp://user:${CANARY}@${host}` })).toMatchObject({
    check: 'mail',
    level: 'broken',
    what: expect.stringMatching(`${host} cannot be worked with: .*ECONNREFUSED`),
    what_to_do: expect.stringContaining('smtps:// where TLS comes first'),
  });
});

it('finds that a mail server speaks no TLS where the URL has it', async () => {
  const url = sound.variables.SMTP_URL?.replace('smtp:', 'smtps:');
  expect(await diagnoseOne({ SMTP_URL: url })).toMatchObject({ check: 'mail', level: 'broken' });
});

it.each([
  [403, { level: 'broken', what_to_do: expect.stringContaining('OTEL_EXPORTER_OTLP_HEADERS') }],
  [404, { level: 'broken', what_to_do: expect.stringContaining('without /v1/traces') }],
  [429, { level: 'advice', what_to_do: expect.stringContaining('traces are lost') }],
  [503, { level: 'advice', what_to_do: expect.stringContaining('traces are lost') }],
])('finds that a collector of traces answers %i', async (status, finding) => {
  sound.collectorStatus = status;
  expect(await diagnoseOne()).toMatchObject({
    check: 'traces',
    what: expect.stringContaining(String(status)),
    ...finding,
  });
});

it('finds that a collector of traces does not know the key', async () => {
  expect(await diagnoseOne({ OTEL_EXPORTER_OTLP_HEADERS: undefined })).toMatchObject({
    what: expect.stringContaining('401'),
  });
});

it('is known by the user and the password in the URL of a collector, as a server is', async () => {
  const url = sound.variables.OTEL_EXPORTER_OTLP_ENDPOINT?.replace('://', `://user:${CANARY}@`);
  const variables = { OTEL_EXPORTER_OTLP_ENDPOINT: url, OTEL_EXPORTER_OTLP_HEADERS: undefined };
  expect(await sound.diagnose(variables)).toEqual([]);
});

it('finds that a collector of traces is not there', async () => {
  const port = await findFreePort();
  expect(await diagnoseOne({ OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${port}` })).toMatchObject({
    check: 'traces',
    level: 'broken',
    what: expect.stringContaining('ECONNREFUSED'),
  });
});

it('does not mind a collector of traces that goes on with garbage after its answer', async () => {
  const port = await takePort((socket) => {
    socket.on('error', () => undefined);
    socket.once('data', () => socket.end('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}\r\ngarbage\r\n\r\n'));
  });
  expect(await sound.diagnose({ OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${port}` })).toEqual([]);
});

it('looks at services that take connections and say nothing side by side, but for Redis, which it measures', async () => {
  let open = 0;
  let mostOpen = 0;
  const port = await takePort((socket) => {
    mostOpen = Math.max(mostOpen, ++open);
    socket.on('error', () => undefined).on('close', () => open--);
    socket.resume();
  });
  const dead = `127.0.0.1:${port}`;
  const findings = await sound.diagnose({
    DATABASE_URL: `postgres://u:p@${dead}/d`,
    REDIS_URL: `redis://${dead}`,
    MODEL_BASE_URL: `http://${dead}/v1`,
    OIDC_ISSUER: `http://${dead}`,
    SMTP_URL: `smtp://${dead}`,
    OTEL_EXPORTER_OTLP_ENDPOINT: `http://${dead}`,
  });
  const checks = ['database', 'redis', 'models', 'sign-in', 'mail', 'traces'];
  expect(findings.map(({ check }) => check)).toEqual(checks);
  // Not "could not be looked at": each check has the time left to say what it found.
  expect(findings.filter(({ level }) => level !== 'broken')).toEqual([]);
  expect(mostOpen).toBe(checks.length - 1);
  // And leaves nothing behind.
  await expect.poll(() => open).toBe(0);
});
