import { beforeAll, expect, test } from 'vitest';
import { newId } from '../../src/base/ids.ts';
import { sql } from '../../src/platform/postgres/index.ts';
import { type TestUser, useProductWithModel } from '../harness/product.ts';
import { testContext } from '../harness/test-context.ts';
import { readEvents } from '../harness/turn-events.ts';
import { until } from '../harness/until.ts';

const { product, provider } = useProductWithModel({ mode: 'stall-mid-stream', text: 'One two three four.' });
let operator: TestUser;
let user: TestUser;

beforeAll(async () => {
  operator = await product.createUser();
  user = await product.createUser();
});

async function disable(disabled: boolean): Promise<void> {
  const response = await product.request(operator, 'PATCH', `/admin/users/${user.userId}`, { disabled });
  expect(response.status).toBe(200);
}

test('a turn that ended because its user was disabled says so again once the user is back', async () => {
  const path = `/v1/chat/sessions/${await product.createSession(user)}`;
  const key = newId();
  const send = () =>
    fetch(`${product.url}${path}/messages`, {
      method: 'POST',
      headers: { authorization: `Bearer ${user.key}`, 'content-type': 'application/json', 'idempotency-key': key },
      body: '{"content":"Hello"}',
    });
  const live = send();
  await until(() => provider.requests.length === 1);
  await disable(true);
  const first = await live;
  expect([first.status, first.headers.get('idempotent-replayed')]).toEqual([401, null]);
  const told = await first.json();
  expect(told).toMatchObject({ error: { code: 'auth.user_disabled' } });
  await disable(false);

  const again = await send();
  expect(again.headers.get('idempotent-replayed')).toBe('true');
  expect([again.status, await again.json()]).toEqual([401, told]);
  const history = await product.request(user, 'GET', `${path}/messages`);
  const { data } = (await history.json()) as { data: { turn_id: string }[] };
  const events = await product.request(user, 'GET', `${path}/turns/${data[0]?.turn_id}/events`);
  expect(readEvents(await events.text()).at(-1)).toMatchObject({ event: 'error', data: told });
});

test('a turn whose account is gone ends as one of a user who is disabled', async () => {
  const erased = await product.createUser();
  const requestsBefore = provider.requests.length;
  const live = product.request(erased, 'POST', `/api/${erased.userId}/chat`, { message: 'Hello' });
  await until(() => provider.requests.length > requestsBefore);
  const erase = sql`
    -- test.erase_user
    delete from users where user_id = ${erased.userId}`;
  await product.postgres.query(erase, testContext());
  const answer = await live;
  expect([answer.status, await answer.json()]).toMatchObject([401, { error: { code: 'auth.user_disabled' } }]);
});

test('a turn whose session is deleted meanwhile ends as one of a session that there is not', async () => {
  const owner = await product.createUser();
  const path = `/v1/chat/sessions/${await product.createSession(owner)}`;
  const requestsBefore = provider.requests.length;
  const live = product.request(owner, 'POST', `${path}/messages`, { content: 'Hello' });
  await until(() => provider.requests.length > requestsBefore);
  expect((await product.request(owner, 'DELETE', path)).status).toBe(200);
  const answer = await live;
  expect([answer.status, await answer.json()]).toMatchObject([404, { error: { code: 'chat.session_not_found' } }]);
});
