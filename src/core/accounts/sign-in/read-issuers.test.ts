import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { expect, test } from 'vitest';
import { writeTestFile } from '../../../../test/harness/write-test-file.ts';
import { type ConfigError, loadConfig } from '../../../platform/config/index.ts';
import { commonAlgorithms } from './issuer.ts';
import { readIssuers } from './read-issuers.ts';

const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const pem = toPem(publicKey);

function toPem(key: KeyObject): string {
  return key.export({ type: 'spki', format: 'pem' }).toString();
}

async function read(variables: Record<string, string>, file?: string) {
  if (file === undefined) return readIssuers(loadConfig(variables).signIn);
  const identityFile = writeTestFile('identity.yaml', file);
  return readIssuers(loadConfig({ ...variables, IDENTITY_FILE: identityFile }).signIn);
}

async function problemsOf(variables: Record<string, string>, file?: string): Promise<readonly string[]> {
  return await read(variables, file).then(
    () => [],
    (error: unknown) => (error as ConfigError).problems,
  );
}

test('Privy and an OIDC provider are read from variables, the key with its lines joined too', async () => {
  const issuers = await read({
    PRIVY_APP_ID: 'app',
    PRIVY_VERIFICATION_KEY: pem.replaceAll('\n', String.raw`\n`),
    OIDC_ISSUER: 'https://id.example.com/',
    OIDC_AUDIENCE: 'client',
  });
  expect(issuers).toMatchObject([
    { issuer: 'privy.io', audience: ['app'], algorithms: ['ES256'], verificationKey: pem },
    { issuer: 'https://id.example.com/', audience: ['client'], algorithms: commonAlgorithms },
  ]);
});

test('a file has more, each with what it leaves out filled in', async () => {
  const file = `issuers:
  - { issuer: https://a.example.com, audience: [x, y], algorithms: [ES256], jwks_url: https://a.example.com/keys }
  - { issuer: https://b.example.com, audience: [z] }`;
  expect(await read({}, file)).toMatchObject([
    {
      issuer: 'https://a.example.com',
      audience: ['x', 'y'],
      algorithms: ['ES256'],
      jwksUrl: 'https://a.example.com/keys',
    },
    { issuer: 'https://b.example.com', audience: ['z'], algorithms: commonAlgorithms },
  ]);
});

test('all that is wrong with a file is told at once', async () => {
  const problems = await problemsOf(
    {},
    'issuers: [{ issuer: https://a.example.com, audience: [], algorithms: [HS256], secret: x }, { audience: [x], jwks_url: a/keys }]',
  );
  expect(problems).toEqual([
    'IDENTITY_FILE: issuers[0].secret: there is no such field',
    'IDENTITY_FILE: issuers[0].audience: must have at least 1 item',
    expect.stringContaining('IDENTITY_FILE: issuers[0].algorithms[0]: must be one of '),
    'IDENTITY_FILE: issuers[1].issuer: is missing',
    'IDENTITY_FILE: issuers[1].jwks_url: must be a URL that starts with https:// or http://',
  ]);
});

test.each([
  ['a shared secret is no way to sign', 'algorithms: [HS256]'],
  ['a key that is none', 'verification_key: hello'],
])('%s', async (_name, field) => {
  expect(await problemsOf({}, `issuers: [{ issuer: https://a.example.com, audience: [x], ${field} }]`)).toHaveLength(1);
});

const p384 = generateKeyPairSync('ec', { namedCurve: 'P-384' }).publicKey;
const p521 = generateKeyPairSync('ec', { namedCurve: 'P-521' }).publicKey;
const rsa = (modulusLength: number) => generateKeyPairSync('rsa', { modulusLength }).publicKey;
const ed25519 = generateKeyPairSync('ed25519').publicKey;

/** The problems of a file with this one issuer. */
async function problemsWith(issuer: object): Promise<readonly string[]> {
  return await problemsOf({}, JSON.stringify({ issuers: [{ audience: ['x'], ...issuer }] }));
}

test.each<[string, KeyObject, string[] | undefined]>([
  ['of a curve that is not in the list', p521, undefined],
  ['of RSA for a list of curves', rsa(2_048), ['ES256', 'EdDSA']],
  ['of RSA that is too short', rsa(1_024), undefined],
])('a key %s is refused, for no token could be good', async (_name, key, algorithms) => {
  const issuer = 'https://a.example.com';
  expect(await problemsWith({ issuer, verification_key: toPem(key), algorithms })).toEqual([
    expect.stringContaining(`IDENTITY_FILE: the verification_key of ${issuer} is of none of its algorithms`),
  ]);
});

test.each<[string, KeyObject, string[] | undefined]>([
  ['P-256', publicKey, undefined],
  ['P-384, as Logto has,', p384, undefined],
  ['RSA', rsa(2_048), ['PS512']],
  ['Ed25519', ed25519, undefined],
])('a key of %s is taken for an algorithm of it', async (_name, key, algorithms) => {
  expect(await problemsWith({ issuer: 'robots', verification_key: toPem(key), algorithms })).toEqual([]);
});

test('Privy signs with P-256: a key of another curve is refused', async () => {
  expect(await problemsOf({ PRIVY_APP_ID: 'app', PRIVY_VERIFICATION_KEY: toPem(p384) })).toHaveLength(1);
});

test.each([{ issuer: 'accounts.google.com' }, { issuer: 'robots', jwks_url: 'https://' }])(
  'keys that are nowhere are refused: %j',
  async (issuer) => {
    expect(await problemsWith(issuer)).toEqual([
      `IDENTITY_FILE: the keys of ${issuer.issuer} are at no URL: give its jwks_url or its verification_key`,
    ]);
  },
);

test('one issuer is not configured twice', async () => {
  const variables = { OIDC_ISSUER: 'https://a.example.com', OIDC_AUDIENCE: 'x' };
  const file = 'issuers: [{ issuer: https://a.example.com, audience: [y] }]';
  expect(await problemsOf(variables, file)).toEqual([
    'IDENTITY_FILE: the issuer https://a.example.com is configured twice',
  ]);
});
