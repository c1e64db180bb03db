import { beforeAll, expect, test } from 'vitest';
import { type TestUser, useProduct } from '../harness/product.ts';
import { createResources } from '../routes/create-resources.ts';
import { type Resources, routeExamples } from '../routes/route-examples.ts';

const product = useProduct({}, { worksOnJobs: false });
let alice: TestUser;
let hers: Resources;

beforeAll(async () => {
  alice = await product.createUser();
  await product.request(alice, 'PUT', '/v1/me/plan', { plan: 'unlimited' });
  hers = await createResources(product, alice);
});

/** What is wrong with the headers of an answer to a caller. */
function findFault({ headers }: Response): string | undefined {
  const cacheControl = headers.get('cache-control') ?? '';
  const vary = headers.get('vary') ?? '';
  const isKeptFromOthers = /\b(?:private|no-store)\b/.test(cacheControl) && !/\bpublic\b/.test(cacheControl);
  return isKeptFromOthers && /\bAuthorization\b/i.test(vary)
    ? undefined
    : `cache-control ${cacheControl}, vary ${vary}`;
}

test('no answer to a caller may be kept for another: of every route, whole, streamed, unchanged or refused', async () => {
  const faults: string[] = [];
  let tried = 0;
  const look = async (name: string, response: Response): Promise<void> => {
    const fault = findFault(response);
    if (fault !== undefined) faults.push(`${name} ${response.status}: ${fault}`);
    await response.text();
    tried++;
  };
  for (const [name, example] of Object.entries(routeExamples)) {
    const { method, path, body } = example(hers);
    // Who is erased reads nothing more.
    if (name === 'DELETE /v1/me') continue;
    await look(`${name}, refused`, await product.request(undefined, method, path, body));
    const answer = await product.request(alice, method, path, body);
    const etag = answer.headers.get('etag');
    await look(name, answer);
    if (etag !== null && method === 'GET') {
      const headers = { authorization: `Bearer ${alice.key}`, 'if-none-match': etag };
      await look(`${name}, unchanged`, await fetch(product.url + path, { headers }));
    }
  }
  const id = await product.createSession(alice);
  const turn = { content: 'Hello', stream: true };
  await look('a streamed turn', await product.request(alice, 'POST', `/v1/chat/sessions/${id}/messages`, turn));
  const completion = { model: 'offline', messages: [{ role: 'user', content: 'Hello' }], stream: true };
  await look('a streamed completion', await product.request(alice, 'POST', '/v1/chat/completions', completion));
  expect(faults).toEqual([]);
  expect(tried).toBeGreaterThan(2 * 40);
});
