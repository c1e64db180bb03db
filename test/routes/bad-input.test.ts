import { beforeAll, expect, it } from 'vitest';
import { listRoutes } from '../../src/platform/http/index.ts';
import { sql } from '../../src/platform/postgres/index.ts';
import { type BadInputRoute, describeBadInput } from '../contract/bad-input.ts';
import { type TestUser, useProduct } from '../harness/product.ts';
import { testContext } from '../harness/test-context.ts';
import { parametersOf } from './assistant-examples.ts';
import { createResources } from './create-resources.ts';
import { type Resources, routeExamples } from './route-examples.ts';

const BODY_LIMIT_BYTES = 1_048_576;
const nobody: Resources = { userId: '', sessionId: '', turnId: '', keyId: '', notificationId: '', assistants: {} };
const user = { role: 'user', content: 'Hello' };
const call = { id: 'call_1', type: 'function', function: { name: 'f', arguments: '{}' } };

/** What the code of a route refuses and its schema cannot say. */
const badBodies: Record<string, BadInputRoute['badBodies']> = {
  'POST /v1/keys': [
    { name: 'an expiry in the past', body: { name: 'x', expires_at: '2020-01-01T00:00:00Z' }, param: 'expires_at' },
    { name: 'no network', body: { name: 'x', ip_allowlist: ['10.0.0.0/33'] }, param: 'ip_allowlist[0]' },
    { name: 'an address in a zone', body: { name: 'x', ip_allowlist: ['fe80::1%eth0'] }, param: 'ip_allowlist[0]' },
  ],
  'PATCH /v1/keys/:key_id': [
    { name: 'an expiry in the past', body: { expires_at: '2020-01-01T00:00:00Z' }, param: 'expires_at' },
    { name: 'no network', body: { ip_allowlist: ['localhost'] }, param: 'ip_allowlist[0]' },
  ],
  'PATCH /admin/users/:user_id': [{ name: 'a plan that does not exist', body: { plan: 'nobody' }, param: 'plan' }],
  'PUT /v1/me/plan': [{ name: 'a plan that does not exist', body: { plan: 'nobody' }, param: 'plan' }],
  'POST /v1/chat/sessions': [
    { name: 'a model that does not exist', body: { model: 'nobody' }, param: 'model' },
    { name: 'an assistant that does not exist', body: { assistant: 'nobody' }, param: 'assistant' },
    { name: 'SQL for a model', body: { model: "'; drop table users; --" }, param: 'model' },
  ],
  'PATCH /v1/chat/sessions/:session_id': [
    { name: 'a model that does not exist', body: { model: 'nobody' }, param: 'model' },
  ],
  'POST /v1/chat/completions': [
    { name: 'no messages', body: { messages: [] }, param: 'messages' },
    { name: 'an unknown role', body: { messages: [{ role: 'boss', content: 'x' }] }, param: 'messages[0].role' },
    { name: 'max_tokens 0', body: { messages: [user], max_tokens: 0 }, param: 'max_tokens' },
    { name: 'max_tokens -1', body: { messages: [user], max_tokens: -1 }, param: 'max_tokens' },
    { name: 'n 1000', body: { messages: [user], n: 1000 }, param: 'n' },
    { name: 'a model that does not exist', body: { messages: [user], model: 'nobody' }, param: 'model' },
    {
      name: 'a tool result without a call',
      body: { messages: [user, { role: 'tool', tool_call_id: 'call_1', content: 'x' }] },
      param: 'messages[1].tool_call_id',
    },
    {
      name: 'a tool result of another call',
      body: {
        messages: [
          user,
          { role: 'assistant', content: null, tool_calls: [call] },
          { role: 'tool', tool_call_id: 'call_2', content: 'x' },
        ],
      },
      param: 'messages[2].tool_call_id',
    },
  ],
};

/** The routes to be tried: all that have an example. */
const routes: BadInputRoute[] = Object.entries(routeExamples).map(([name, example]) => {
  const [method, url = ''] = name.split(' ') as [BadInputRoute['method'], string];
  const { body, path } = example(nobody);
  const wrong = badBodies[name];
  return {
    method,
    url,
    validQuery: Object.fromEntries(new URL(path, 'http://localhost').searchParams),
    ...(body !== undefined && { validBody: body as Record<string, unknown> }),
    ...(wrong !== undefined && { badBodies: wrong }),
  };
});

/** What is public and takes a body. Whatever else is wrong, its token is too. */
const publicRoutes: BadInputRoute[] = [
  { method: 'POST', url: '/api/auth', validBody: { token: 'a.b.c' } },
  { method: 'POST', url: '/api/auth/refresh', validBody: { refresh_token: 'a.b.c' } },
  { method: 'POST', url: '/api/auth/logout', validBody: { refresh_token: 'a.b.c' } },
];

const product = useProduct();
let alice: TestUser;
let resources: Resources;

beforeAll(async () => {
  alice = await product.createUser();
  // All routes together are sent more in a minute than any limit allows.
  await product.request(alice, 'PUT', '/v1/me/plan', { plan: 'unlimited' });
  resources = await createResources(product, alice);
  await fillLists();
});

/** Makes a second of all that is listed, so that every list has a cursor to be altered. */
async function fillLists(): Promise<void> {
  await product.createUser();
  await createResources(product, alice);
  const makers = Object.entries(routeExamples).filter(([name]) => /^POST \/api\/[^:]+$/.test(name));
  for (const [, example] of [...makers, ...makers]) {
    const { method, path, body } = example(resources);
    await product.request(alice, method, path, body);
  }
  const fail = sql`
    -- test.fail_jobs
    select count(graphile_worker.add_job('test.failed')) from generate_series(1, 2)`;
  await product.postgres.query(fail, testContext());
  const setAside = sql`
    -- test.set_jobs_aside
    update graphile_worker._private_jobs set attempts = max_attempts
    where task_id = (select id from graphile_worker._private_tasks where identifier = 'test.failed')`;
  await product.postgres.query(setAside, testContext());
}

/** The rows of every table that belongs to users. */
async function countRows(): Promise<number> {
  const [counted] = await product.postgres.query(
    sql<{ rows: number }>`
      -- test.count_rows
      select sum((xpath('//rows/text()',
        query_to_xml(format('select count(*) as rows from %s', c.oid::regclass), false, true, '')))[1]::text::bigint)::bigint as rows
      from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attname = 'user_id'
      where c.relkind = 'r'`,
    testContext(),
  );
  return counted?.rows ?? -1;
}

it('is tried on every route that is not public, and on every one that takes a body', () => {
  const registered = listRoutes(product.server.http).filter(
    ({ access, method, schema }) => (access !== 'public' || schema.body !== undefined) && method !== 'HEAD',
  );
  expect([...routes, ...publicRoutes].map(({ method, url }) => `${method} ${url}`).sort()).toEqual(
    registered.map(({ method, url }) => `${method} ${url}`).sort(),
  );
});

describeBadInput(
  () => ({
    server: product.server.http,
    countRows,
    headers: { authorization: `Bearer ${alice.key}` },
    ids: {
      user_id: resources.userId,
      session_id: resources.sessionId,
      conversation_id: resources.sessionId,
      turn_id: resources.turnId,
      key_id: resources.keyId,
      notification_id: resources.notificationId,
      job_id: '999999999',
      model: 'offline',
      ...parametersOf(resources.assistants),
    },
    bodyLimitBytes: BODY_LIMIT_BYTES,
  }),
  [...routes, ...publicRoutes],
);
