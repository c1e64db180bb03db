import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import {
  type CryptoKey,
  exportJWK,
  generateKeyPair,
  type JWK,
  type JWTHeaderParameters,
  type JWTPayload,
  SignJWT,
} from 'jose';
import { listen } from './listen.ts';

/** How the provider answers: as it should, not at all, or wrongly. */
export type IssuerMode = 'well' | 'down' | 'silent' | 'redirect' | 'huge' | 'impostor' | 'garbage';

/** An identity provider with discovery and keys, which can be in trouble. */
export interface TestIssuer {
  readonly issuer: string;
  mode: IssuerMode;
  /** How often its discovery document and its keys were asked for. */
  readonly asked: { discovery: number; jwks: number };
  /** Takes a new key for its tokens, in place of the one before. */
  rotate(): Promise<void>;
  /** The key that it signs with, its public half, and its id. */
  readonly key: { readonly privateKey: CryptoKey; readonly publicJwk: JWK; readonly kid: string };
  /** A good token, or one that differs from that. */
  token(claims?: JWTPayload, header?: Partial<JWTHeaderParameters>): Promise<string>;
  close(): Promise<void>;
}

/** What its tokens are for. */
export const AUDIENCE = 'test-client';

async function makeKey(number: number): Promise<TestIssuer['key']> {
  const { publicKey, privateKey } = await generateKeyPair('RS256', { extractable: true });
  const kid = `key-${number}`;
  return { privateKey, kid, publicJwk: { ...(await exportJWK(publicKey)), kid, alg: 'RS256', use: 'sig' } };
}

function answerWrongly(response: ServerResponse, mode: IssuerMode): boolean {
  if (mode === 'down') response.destroy();
  else if (mode === 'redirect') response.writeHead(302, { location: 'http://127.0.0.1:9/' }).end();
  else if (mode === 'huge') response.end(JSON.stringify({ padding: 'x'.repeat(1_000_000) }));
  else if (mode === 'garbage') response.end('<html>');
  return mode !== 'well' && mode !== 'impostor';
}

/** Starts a provider. `nowMs` is the time by which it issues tokens. */
export async function startTestIssuer(nowMs: () => number = Date.now): Promise<TestIssuer> {
  let rotations = 0;
  const server = createServer((request, response) => {
    const isDiscovery = request.url === '/.well-known/openid-configuration';
    self.asked[isDiscovery ? 'discovery' : 'jwks']++;
    if (answerWrongly(response, self.mode)) return;
    const issuer = self.mode === 'impostor' ? `${self.issuer}/other` : self.issuer;
    response.end(
      JSON.stringify(isDiscovery ? { issuer, jwks_uri: `${self.issuer}/keys` } : { keys: [self.key.publicJwk] }),
    );
  });
  const port = await listen(server);
  const issuer = `http://127.0.0.1:${port}`;
  const self = {
    issuer,
    mode: 'well' as IssuerMode,
    asked: { discovery: 0, jwks: 0 },
    key: await makeKey(0),
    async rotate() {
      rotations++;
      self.key = await makeKey(rotations);
    },
    token: (claims: JWTPayload = {}, header: Partial<JWTHeaderParameters> = {}) => {
      const nowSeconds = Math.floor(nowMs() / 1000);
      const base = { iss: issuer, aud: AUDIENCE, sub: 'ann', iat: nowSeconds, exp: nowSeconds + 600 };
      return new SignJWT({ ...base, ...claims })
        .setProtectedHeader({ alg: 'RS256', typ: 'JWT', kid: self.key.kid, ...header })
        .sign(self.key.privateKey);
    },
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
  return self;
}
