import { beforeAll, describe, expect, it } from 'vitest';
import { newId } from '../../src/base/ids.ts';
import { listRoutes } from '../../src/platform/http/index.ts';
import { sql } from '../../src/platform/postgres/index.ts';
import { type TestUser, useProduct } from '../harness/product.ts';
import { testContext } from '../harness/test-context.ts';
import { createResources } from './create-resources.ts';
import { type Resources, routeExamples } from './route-examples.ts';

/** What only reads, and may be asked again as often as one likes. */
const readOnly = ['POST /v1/chat/messages/batch'];
/** A turn that was answered is not retried: what a repeated retry is told has tests of its own. */
const refused = ['POST /v1/chat/sessions/:session_id/turns/:turn_id/retry', 'POST /admin/jobs/:job_id/retry'];

const product = useProduct();
let user: TestUser;
let resources: Resources;

beforeAll(async () => {
  user = await product.createUser();
  resources = await createResources(product, user);
});

const posts = Object.keys(routeExamples).filter((name) => name.startsWith('POST ') && !readOnly.includes(name));

interface Answer {
  status: number;
  replayed: boolean;
  code: string | undefined;
  body: unknown;
}

async function send(name: string, idempotencyKey: string, change: object = {}): Promise<Answer> {
  const { path, body } = routeExamples[name]?.(resources) ?? { path: '' };
  const hasBody = body !== undefined;
  const response = await fetch(product.url + path, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${user.key}`,
      'idempotency-key': idempotencyKey,
      ...(hasBody && { 'content-type': 'application/json' }),
    },
    ...(hasBody && { body: JSON.stringify({ ...body, ...change }) }),
  });
  const answer = (await response.json()) as { error?: { code: string } };
  const replayed = response.headers.get('idempotent-replayed') === 'true';
  return { status: response.status, replayed, code: answer.error?.code, body: answer };
}

/** Claims a key as a request does that is none of these, and is still worked on. */
async function claimForAnother(key: string): Promise<void> {
  const statement = sql`
    -- test.claim_for_another
    insert into idempotency_keys (user_id, key, fingerprint) values (${user.userId}, ${key}, 'another')`;
  await product.postgres.query(statement, testContext());
}

/** The secret of a key is shown once. */
const withoutSecret = (body: unknown) => ({ ...(body as object), key: null });

it('every POST of a caller is tried', () => {
  const registered = listRoutes(product.server.http).filter(
    ({ method, access }) => method === 'POST' && access !== 'public',
  );
  expect([...posts, ...readOnly].sort()).toEqual(registered.map(({ url }) => `POST ${url}`).sort());
});

describe.each(posts)('%s', (name) => {
  it('refuses an Idempotency-Key that is none', async () => {
    expect(await send(name, 'a b')).toMatchObject({ status: 400, code: 'idempotency.invalid_key' });
  });

  it('refuses an Idempotency-Key of another request, also while that is worked on', async () => {
    const key = newId();
    await claimForAnother(key);
    expect(await send(name, key)).toMatchObject({ status: 422, code: 'idempotency.key_reused' });
  });

  it.skipIf(refused.includes(name))('answers the same to the same Idempotency-Key, marked', async () => {
    const key = newId();
    const first = await send(name, key);
    expect([first.status < 300, first.replayed]).toEqual([true, false]);
    const again = await send(name, `"${key}"`);
    expect([again.status, again.replayed]).toEqual([first.status, true]);
    expect(withoutSecret(again.body)).toEqual(withoutSecret(first.body));
  });
});

it('what was marked as read by the first of two requests is counted in the answer to both', async () => {
  const stranger = await product.createUser();
  await createResources(product, stranger);
  const mark = async () => {
    const headers = { authorization: `Bearer ${stranger.key}`, 'idempotency-key': 'all' };
    const response = await fetch(`${product.url}/v1/notifications/read-all`, { method: 'POST', headers });
    return await response.json();
  };
  expect([await mark(), await mark()]).toMatchObject([{ count: 1 }, { count: 1 }]);
});

it('a key that was used for one notification is refused for another', async () => {
  const key = newId();
  await send('POST /v1/notifications/read-all', key);
  expect(await send('POST /v1/notifications/:notification_id/read', key)).toMatchObject({
    status: 422,
    code: 'idempotency.key_reused',
  });
});

it('a request that was refused leaves its key free', async () => {
  const key = newId();
  expect(await send('POST /admin/jobs/:job_id/retry', key)).toMatchObject({ status: 404 });
  expect(await send('POST /v1/notifications/read-all', key)).toMatchObject({ status: 200, replayed: false });
});
