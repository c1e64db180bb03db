import { request } from 'undici';

/** How long the server may take for one request when nobody else asks anything of it, in milliseconds. */
const ANSWER_MS = 60_000;

/** The status of an answer to one request. Throws an Error that says what to do when no server is there. */
async function ask(url: URL, path: string, headers: Record<string, string> = {}): Promise<number> {
  const answer = await request(new URL(path, url), {
    headers: { ...headers, connection: 'close' },
    signal: AbortSignal.timeout(ANSWER_MS),
  }).catch((cause) => {
    throw new Error(`no server at ${url.origin} (${cause.code ?? cause.message}): start one, or give --url`, { cause });
  });
  await answer.body.dump();
  return answer.statusCode;
}

/**
 * Looks whether a server is there, before its database is touched.
 * @throws Error that says what to do when it is not.
 */
export async function findServer(url: URL): Promise<void> {
  await ask(url, '/livez');
}

/**
 * Looks whether the server knows a user of the test, before all of them come.
 * @throws Error that says what to do when it is gone, or has another database.
 */
export async function checkServer(url: URL, secret: string): Promise<void> {
  if ((await ask(url, '/v1/me', { authorization: `Bearer ${secret}` })) !== 401) return;
  throw new Error(`the server at ${url.origin} has another database: run this with its DATA_DIR or DATABASE_URL`);
}
