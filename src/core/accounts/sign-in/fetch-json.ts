import { Agent, request } from 'undici';

/** Keys and discovery documents of the largest providers are below 20 kB. */
const ANSWER_BYTES = 256 * 1024;

/** A sign-in has 8 s; a provider that is slower than this is taken for one that is down. */
const FETCH_MS = 3_000;

/** Reads documents of identity providers. */
export interface JsonFetcher {
  /** The JSON at a URL. Follows no redirect. @throws Error for any other answer, one that is too long or too late. */
  fetchJson(url: string): Promise<unknown>;
  close(): Promise<void>;
}

/** Makes a reader of identity providers' documents. */
export function createJsonFetcher(): JsonFetcher {
  const dispatcher = new Agent({ maxResponseSize: ANSWER_BYTES });
  return {
    async fetchJson(url) {
      const signal = AbortSignal.timeout(FETCH_MS);
      const headers = { accept: 'application/json' };
      const { statusCode, body } = await request(url, { dispatcher, signal, headers });
      if (statusCode === 200) return await body.json();
      body.on('error', () => {}).destroy();
      throw new Error(`the identity provider answered ${statusCode}`);
    },
    close: () => dispatcher.destroy(),
  };
}
