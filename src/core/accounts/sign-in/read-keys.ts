import { createLocalJWKSet, type JSONWebKeySet, type LocalJWKSet } from 'jose';
import type { JsonFetcher } from './fetch-json.ts';

type FetchJson = JsonFetcher['fetchJson'];

/** Of what a document says, in a message. */
const MAX_TOLD_CHARS = 200;

/**
 * Where discovery says that the keys of an issuer are.
 * @throws Error that says what is wrong with the document, or why it cannot be had.
 */
export async function discoverKeys(issuer: string, fetchJson: FetchJson): Promise<string> {
  const document = await fetchJson(`${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`);
  const { issuer: named, jwks_uri: url } = (document ?? {}) as { issuer?: unknown; jwks_uri?: unknown };
  if (named !== issuer) {
    throw new Error(`the discovery document is of another issuer, ${JSON.stringify(named)?.slice(0, MAX_TOLD_CHARS)}`);
  }
  const isSafe = typeof url === 'string' && (url.startsWith('https://') || issuer.startsWith('http://'));
  if (!isSafe) throw new Error('the discovery document names no jwks_uri of https');
  return url;
}

/** The keys at a URL. @throws Error that says what is wrong with them, or why they cannot be had. */
export async function readKeys(url: string, fetchJson: FetchJson): Promise<LocalJWKSet> {
  const keys = (await fetchJson(url)) as JSONWebKeySet;
  const usable = createLocalJWKSet(keys);
  // No provider withdraws all of its keys: something is wrong with it.
  if (keys.keys.length === 0) throw new Error('the identity provider lists no keys');
  return usable;
}
