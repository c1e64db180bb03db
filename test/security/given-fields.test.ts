import { type Client, escapeIdentifier } from 'pg';
import { beforeAll, expect, test } from 'vitest';
import { readDocument } from '../harness/openapi-document.ts';
import { type TestUser, useProduct } from '../harness/product.ts';
import { readEvents } from '../harness/turn-events.ts';
import { createResources } from '../routes/create-resources.ts';
import { type Resources, routeExamples } from '../routes/route-examples.ts';

/** What no caller sets, on whatever is made or changed. */
const FORBIDDEN = ['user_id', 'role', 'credits', 'created_at', 'cost'];
/** Takes and passes on what OpenAI's API has; nothing of it is stored. */
const OPEN_ROUTE = 'POST /v1/chat/completions';
/** Those whose example is of something that is not there, or cannot be done to what is. */
const REFUSED: Readonly<Record<string, number>> = {
  'POST /v1/chat/messages/batch': 404,
  'POST /v1/chat/sessions/:session_id/turns/:turn_id/retry': 409,
  'PATCH /admin/users/:user_id': 404,
  'DELETE /admin/cache/:user_id': 404,
  'POST /admin/jobs/:job_id/retry': 404,
  'DELETE /admin/jobs/:job_id': 404,
  'GET /v1/models/*': 404,
};

const product = useProduct({}, { worksOnJobs: false });
let client: Client;
let alice: TestUser;
let hers: Resources;

beforeAll(async () => {
  client = await product.connect();
  alice = await product.createUser();
  await product.request(alice, 'PUT', '/v1/me/plan', { plan: 'unlimited' });
  hers = await createResources(product, alice);
});

/** All that is stored of users, but when a key was last used. */
async function readStored(): Promise<string[]> {
  const { rows: tables } = await client.query<{ schema: string; name: string }>(
    `select n.nspname as schema, c.relname as name from pg_class c
      join pg_namespace n on n.oid = c.relnamespace join pg_attribute a on a.attrelid = c.oid and a.attname = 'user_id'
      where c.relkind = 'r' order by 1, 2`,
  );
  const stored: string[] = [];
  for (const { schema, name } of tables) {
    const table = `${escapeIdentifier(schema)}.${escapeIdentifier(name)}`;
    const { rows } = await client.query<{ row: string }>(
      `select (to_jsonb(t) - 'last_used_at')::text as row from ${table} t order by 1`,
    );
    stored.push(...rows.map(({ row }) => `${name} ${row}`));
  }
  return stored;
}

test('a field that is not the caller’s to set is refused on every route that takes a body, and nothing is changed', async () => {
  const before = await readStored();
  expect(before.length).toBeGreaterThan(10);
  let tried = 0;
  for (const [name, example] of Object.entries(routeExamples)) {
    const { method, path, body } = example(hers);
    if (body === undefined || name === OPEN_ROUTE) continue;
    for (const field of FORBIDDEN) {
      const response = await product.request(alice, method, path, { ...body, [field]: hers.userId });
      expect([name, response.status, await response.json()]).toMatchObject([name, 400, { error: { param: field } }]);
      tried++;
    }
  }
  expect(tried).toBeGreaterThan(50);
  expect(await readStored()).toEqual(before);
});

interface Schema {
  readonly $ref?: string;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly additionalProperties?: boolean | Schema;
  readonly items?: Schema;
  readonly anyOf?: readonly Schema[];
  readonly allOf?: readonly Schema[];
}

interface Documented {
  readonly paths: Record<
    string,
    Record<string, { responses: Record<string, { content?: Record<string, { schema: Schema }> }> }>
  >;
}

/** The fields of a value that its schema does not name. */
function findUndocumented(value: unknown, schema: Schema, place: string): string[] {
  if (typeof value !== 'object' || value === null) return [];
  const { anyOf, allOf, items, properties = {}, additionalProperties } = schema;
  if (anyOf) {
    const found = anyOf.map((one) => findUndocumented(value, one, place));
    return found.sort((one, other) => one.length - other.length)[0] ?? [];
  }
  if (allOf) {
    const [first = [], ...others] = allOf.map((one) => findUndocumented(value, one, place));
    return first.filter((field) => others.every((other) => other.includes(field)));
  }
  if (Array.isArray(value))
    return value.flatMap((item, index) => findUndocumented(item, items ?? {}, `${place}[${index}]`));
  return Object.entries(value).flatMap(([name, part]) => {
    const named = properties[name] ?? (typeof additionalProperties === 'object' ? additionalProperties : undefined);
    if (named === undefined) return additionalProperties === true ? [] : [`${place}.${name}`];
    return findUndocumented(part, named, `${place}.${name}`);
  });
}

/** The schema of an answer of a route. */
function findSchema({ paths }: Documented, name: string, status: number): Schema | undefined {
  const [method = '', url = ''] = name.split(' ');
  const operation = paths[url.replaceAll(/:(\w+)/g, '{$1}')]?.[method.toLowerCase()];
  return operation?.responses[status]?.content?.['application/json']?.schema;
}

/** The examples of what answers with JSON; deletions last, for what is deleted cannot be read. */
function listExamples(): [string, (typeof routeExamples)[string]][] {
  const isDeletion = (name: string) => Number(name.startsWith('DELETE '));
  return (
    Object.entries(routeExamples)
      // The export gives all that is stored; who is erased reads nothing; events have a test of their own.
      .filter(([name]) => name !== 'GET /v1/me/export' && name !== 'DELETE /v1/me' && !name.endsWith('/events'))
      .sort(([one], [other]) => isDeletion(one) - isDeletion(other))
  );
}

test('every answer holds documented fields only', async () => {
  const document = await readDocument<Documented>(product.url);
  for (const [name, example] of listExamples()) {
    const { method, path, body } = example(hers);
    const response = await product.request(alice, method, path, body);
    const refused = REFUSED[name];
    if (refused === undefined) expect(response.status, name).toBeLessThan(400);
    else expect(response.status, name).toBe(refused);
    if (response.status >= 400) continue;
    const schema = findSchema(document, name, response.status);
    expect(schema, `${name} ${response.status}`).toBeDefined();
    expect(findUndocumented(await response.json(), schema ?? {}, name)).toEqual([]);
  }
});

test('the messages in events hold documented fields only, at once and read again', async () => {
  const { sessionId } = await createResources(product, alice);
  const session = `/v1/chat/sessions/${sessionId}`;
  const posted = await product.request(alice, 'POST', `${session}/messages`, { content: 'Hello', stream: true });
  const events = readEvents(await posted.text());
  const again = await product.request(alice, 'GET', `${session}/turns/${events[0]?.data.turn_id}/events`);
  const list = findSchema(await readDocument(product.url), 'GET /v1/chat/sessions/:session_id/messages', 200);
  const schema = list?.properties?.data?.items;
  expect(schema?.properties).toHaveProperty('content');
  for (const told of [events, readEvents(await again.text())]) {
    const messages = told.flatMap(({ data }) => data.message ?? []);
    expect(messages).toMatchObject([{ role: 'user' }, { role: 'assistant' }]);
    expect(findUndocumented(messages, { items: schema ?? {} }, 'messages')).toEqual([]);
  }
});

test('the messages of several sessions, read together, hold documented fields only', async () => {
  const { sessionId } = await createResources(product, alice);
  const path = '/v1/chat/messages/batch';
  const response = await product.request(alice, 'POST', path, { session_ids: [sessionId] });
  const schema = findSchema(await readDocument(product.url), `POST ${path}`, response.status);
  expect(schema, `${response.status}`).toBeDefined();
  expect(findUndocumented(await response.json(), schema ?? {}, path)).toEqual([]);
});
