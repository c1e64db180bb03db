import { inTime } from '../../../base/in-time.ts';
import { createJsonFetcher } from './fetch-json.ts';
import type { Issuer } from './issuer.ts';
import { discoverKeys, readKeys } from './read-keys.ts';

/**
 * Reads the keys of an identity provider, as a server does at its first token; answers how many there are.
 *
 * @throws Error that says what is wrong with them, or that they cannot be had, or not within `boundMs`.
 */
export async function inspectIssuer(
  { issuer, jwksUrl }: Pick<Issuer, 'issuer' | 'jwksUrl'>,
  boundMs: number,
): Promise<number> {
  const { fetchJson, close } = createJsonFetcher();
  const read = async (): Promise<number> => {
    const keys = await readKeys(jwksUrl ?? (await discoverKeys(issuer, fetchJson)), fetchJson);
    return keys.jwks().keys.length;
  };
  try {
    return await inTime(boundMs, read());
  } finally {
    await close();
  }
}
