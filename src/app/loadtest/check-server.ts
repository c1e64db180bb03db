import { request } from 'undici';

/** How long the server may take for one request when nobody else asks anything of it, in milliseconds. */
const ANSWER_MS = 60_000;

/**
 * Looks whether a server is there and knows a user of the test, before all of them come.
 * @throws Error that says what to do when it is not, or has another database.
 */
export async function checkServer(url: URL, secret: string): Promise<void> {
  const answer = await request(new URL('/v1/me', url), {
    headers: { authorization: `Bearer ${secret}`, connection: 'close' },
    signal: AbortSignal.timeout(ANSWER_MS),
  }).catch((cause) => {
    throw new Error(`no server at ${url.origin} (${cause.code ?? cause.message}): start one, or give --url`, { cause });
  });
  await answer.body.dump();
  if (answer.statusCode !== 401) return;
  throw new Error(`the server at ${url.origin} has another database: run this with its DATA_DIR or DATABASE_URL`);
}
