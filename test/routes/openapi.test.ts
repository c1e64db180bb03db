import fastJsonStringify from 'fast-json-stringify';
import { beforeAll, expect, test } from 'vitest';
import { newId } from '../../src/base/ids.ts';
import { createStrictAjv } from '../../src/base/strict-ajv.ts';
import { isInstalled } from '../harness/is-installed.ts';
import { fetchDocument, readDocument } from '../harness/openapi-document.ts';
import { type TestUser, useProduct } from '../harness/product.ts';
import { readEvents } from '../harness/turn-events.ts';
import { createResources } from './create-resources.ts';
import { routeExamples } from './route-examples.ts';

type SentHeaders = Readonly<Record<string, string>>;

interface Schema {
  readonly required?: readonly string[];
  readonly properties?: Readonly<Record<string, { readonly default?: unknown }>>;
}

interface Operation {
  readonly operationId?: string;
  readonly tags?: readonly string[];
  readonly security: readonly object[];
  readonly parameters?: readonly { name: string; in: string; required: boolean; schema: { default?: unknown } }[];
  readonly requestBody?: {
    readonly required?: boolean;
    readonly content: Readonly<Record<string, { readonly schema: Schema; readonly example?: object }>>;
  };
  readonly responses: Readonly<Record<string, { readonly content?: Readonly<Record<string, { schema: object }>> }>>;
}

const product = useProduct();
let user: TestUser;
let paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
let session: string;

beforeAll(async () => {
  user = await product.createUser();
  ({ paths } = await readDocument<{ paths: typeof paths }>(product.url));
  session = `/v1/chat/sessions/${await product.createSession(user)}`;
});

const operations = () =>
  Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => [`${method} ${path}`, operation] as const),
  );

test('every operation is called something of its own that can be the name of a function', () => {
  const names = operations().map(([, { operationId }]) => operationId);
  expect(names.filter((name) => !/^[a-z][a-zA-Z0-9]*$/.test(name ?? ''))).toEqual([]);
  expect(new Set(names).size).toBe(names.length);
  expect(paths['/v1/chat/sessions']).toMatchObject({
    get: { operationId: 'listSessions' },
    post: { operationId: 'createSession' },
  });
  if (isInstalled('todo')) expect(paths['/api/todo/items']?.get?.operationId).toBe('todoListItems');
});

interface Referring {
  readonly paths: typeof paths;
  readonly tags: readonly { name: string; description: string }[];
  readonly components: { readonly schemas: Readonly<Record<string, { properties?: object; anyOf?: object[] }>> };
}

test('whatever is answered as JSON has a name, lists and what they hold too, and so has every event', async () => {
  const { paths: referring, components } = (await fetchDocument(product.url)) as Referring;
  const refTo = (name: string) => ({ $ref: `#/components/schemas/${name}` });
  const unnamed = Object.values(referring)
    .flatMap((methods) => Object.values(methods))
    .flatMap(({ operationId, responses }) =>
      Object.values(responses).flatMap(({ content }) =>
        ['application/json', 'text/event-stream'].map((type) => [operationId, content?.[type]?.schema] as const),
      ),
    )
    .filter(([, schema]) => schema !== undefined && !('$ref' in schema));
  expect(unnamed).toEqual([]);
  const answerOf = (path: string) => referring[path]?.get?.responses['200']?.content?.['application/json']?.schema;
  expect(answerOf('/v1/chat/sessions/{session_id}')).toEqual(refTo('Session'));
  expect(answerOf('/v1/chat/sessions')).toEqual(refTo('SessionList'));
  expect(components.schemas.SessionList?.properties).toMatchObject({ data: { items: refTo('Session') } });
  if (isInstalled('todo')) expect(answerOf('/api/todo/items')).toEqual(refTo('TodoItemList'));
  const events = components.schemas.TurnEvent?.anyOf ?? [];
  expect(events.filter((event) => !('$ref' in event))).toEqual([]);
  expect(events).toContainEqual(refTo('MessageDelta'));
});

test('an integer that may be large, and a boolean that is always true, suit generators of clients', async () => {
  const { components } = (await fetchDocument(product.url)) as Referring;
  const created = { type: 'integer', format: 'int64' };
  expect(components.schemas.ChatCompletion?.properties).toMatchObject({ created, degraded: { type: 'boolean' } });
  expect(JSON.stringify(components)).not.toContain('"enum":[true]');
});

test('every tag is described, once, and none that no operation has', async () => {
  const { tags } = (await fetchDocument(product.url)) as Referring;
  const used = new Set(operations().flatMap(([, operation]) => operation.tags ?? ['none']));
  expect(tags.map(({ name }) => name).sort()).toEqual([...used].sort());
});

/** The schemas of what goes into an operation, and of what comes out as JSON. */
function listSchemas({ parameters = [], requestBody, responses }: Operation): object[] {
  const contents = [requestBody, ...Object.values(responses)].map(
    (part) => part?.content?.['application/json']?.schema,
  );
  return [...parameters.map(({ schema }) => schema), ...contents.filter((schema) => schema !== undefined)];
}

/** What an operation calls required and fills in by itself. */
function findFilledIn({ parameters = [], requestBody }: Operation): string[] {
  const { required = [], properties = {} } = requestBody?.content['application/json']?.schema ?? {};
  const fields = required.filter((name) => properties[name]?.default !== undefined);
  const given = parameters.filter((parameter) => parameter.required && parameter.schema.default !== undefined);
  return [...given.map(({ name }) => name), ...fields];
}

test('no operation requires what it fills in by itself', () => {
  expect(operations().length).toBeGreaterThan(40);
  const filledIn = operations().map(([name, operation]) => [name, ...findFilledIn(operation)]);
  expect(filledIn.filter(([, ...found]) => found.length > 0)).toEqual([]);
});

/** The product's, with what the document alone says, for generators of clients. */
const createDocumentAjv = () => createStrictAjv().addFormat('int64', true);

test('every schema can be compiled, which a server does not before the first request that needs it', () => {
  const schemas = operations().flatMap(([name, operation]) => listSchemas(operation).map((schema) => [name, schema]));
  expect(schemas.length).toBeGreaterThan(100);
  for (const [name, schema] of schemas as [string, object][]) {
    expect(() => createDocumentAjv().compile(schema), name).not.toThrow();
    expect(() => fastJsonStringify(schema), name).not.toThrow();
  }
});

test('a body that the document does not require may be left out', async () => {
  const optional = operations().filter(([, { requestBody }]) => requestBody && !requestBody.required);
  const names = optional.map(([name]) => name);
  expect(names).toContain('post /v1/chat/sessions');
  expect(names).not.toContain('post /v1/chat/sessions/{session_id}/messages');
  expect(names).not.toContain('patch /v1/chat/sessions/{session_id}');
  expect((await product.request(user, 'POST', '/v1/chat/sessions')).status).toBe(201);
});

/** Sends a request with the user's key; answers what came, with what of it the document does not have for the operation. */
async function tryOut(name: string, path: string, { headers, body }: { headers?: SentHeaders; body?: object } = {}) {
  const [method = '', pattern = ''] = name.split(' ');
  const response = await fetch(product.url + path, {
    method: method.toUpperCase(),
    headers: { authorization: `Bearer ${user.key}`, ...(body && { 'content-type': 'application/json' }), ...headers },
    ...(body && { body: JSON.stringify(body) }),
  });
  await response.text();
  const { responses = {}, parameters = [] } = paths[pattern]?.[method] ?? {};
  const documented = responses[response.status];
  const type = response.headers.get('content-type')?.split(';')[0] ?? 'none';
  const undocumented = [
    ...(documented === undefined ? [response.status] : []),
    ...(Object.keys(documented?.content ?? { none: {} }).includes(type) ? [] : [type]),
    ...Object.keys(headers ?? {}).filter((header) => !parameters.some((one) => one.name.toLowerCase() === header)),
  ];
  return { answer: [response.status, type], undocumented, headers: response.headers };
}

const json = { answer: [200, 'application/json'], undocumented: [] };
const events = { answer: [200, 'text/event-stream'], undocumented: [] };

test('what streams is documented, and by which header it is read on', async () => {
  const messages = 'post /v1/chat/sessions/{session_id}/messages';
  const say = (stream: boolean) => ({ body: { content: 'Hello', stream }, headers: { 'idempotency-key': newId() } });
  expect(await tryOut(messages, `${session}/messages`, say(false))).toMatchObject(json);
  const streamed = await tryOut(messages, `${session}/messages`, say(true));
  expect(streamed).toMatchObject(events);
  const again = 'get /v1/chat/sessions/{session_id}/turns/{turn_id}/events';
  const path = `${streamed.headers.get('location')}/events`;
  expect(await tryOut(again, path, { headers: { 'last-event-id': '1' } })).toMatchObject(events);
  const completions = 'post /v1/chat/completions';
  const question = { model: 'offline', messages: [{ role: 'user', content: 'Hello' }] };
  expect(await tryOut(completions, '/v1/chat/completions', { body: question })).toMatchObject(json);
  const asked = { body: { ...question, stream: true } };
  expect(await tryOut(completions, '/v1/chat/completions', asked)).toMatchObject(events);
  const { responses } = paths['/v1/chat/sessions/{session_id}/turns/{turn_id}/retry']?.post ?? {};
  expect(Object.keys(responses?.['200']?.content ?? {})).toEqual(['application/json', 'text/event-stream']);
});

test.skipIf(!isInstalled('todo'))('the data of every event of a turn is as documented, and nothing else', async () => {
  const messages = paths['/v1/chat/sessions/{session_id}/messages']?.post?.responses['200']?.content;
  const { schema } = messages?.['text/event-stream'] ?? {};
  const kinds = (schema as { anyOf: { properties: { type: { enum: string[] } } }[] }).anyOf;
  const told = new Set<unknown>();
  const path = `/v1/chat/sessions/${await product.createSession(user, { assistant: 'todo' })}/messages`;
  const answer = await product.request(user, 'POST', path, { content: 'add buy milk', stream: true });
  for (const { data } of readEvents(await answer.text())) {
    const kind = kinds.find(({ properties }) => properties.type.enum.includes(data.type));
    expect(Object.keys(data).sort()).toEqual(Object.keys(kind?.properties ?? {}).sort());
    expect(createDocumentAjv().validate(kind ?? false, data), data.type).toBe(true);
    told.add(data.type);
  }
  const documented = new Set<unknown>(kinds.flatMap(({ properties }) => properties.type.enum));
  expect(documented).toEqual(told.add('error'));
});

test('a header is documented as it is taken: what fits its schema is, and nothing else', async () => {
  const post = ['post /v1/chat/sessions', '/v1/chat/sessions', 'Idempotency-Key'] as const;
  const streamed = await product.request(user, 'POST', `${session}/messages`, { content: 'Hello', stream: true });
  const turn = 'get /v1/chat/sessions/{session_id}/turns/{turn_id}/events';
  const read = [turn, `${streamed.headers.get('location')}/events`, 'Last-Event-ID'] as const;
  const longest = 'x'.repeat(255);
  const keys = ['key', 'a b', 'å', '', '""', '"half', longest, `"${longest}"`, `${longest}x`, `"${longest}x"`];
  const ids = ['0', '1', '01', '', '-1', '1.5', 'x', '1234567890'];
  for (const [[name, path, header], values] of [[post, keys] as const, [read, ids] as const]) {
    const [method = '', pattern = ''] = name.split(' ');
    const { schema } = paths[pattern]?.[method]?.parameters?.find((one) => one.name === header) ?? { schema: false };
    const isDocumented = createDocumentAjv().compile(schema);
    for (const value of values) {
      const { answer } = await tryOut(name, path, { headers: { [header.toLowerCase()]: value } });
      expect([value, answer[0] !== 400]).toEqual([value, isDocumented(value)]);
    }
  }
});

test('what is read on condition is documented with the header that says it', async () => {
  const conversation = session.replace('/v1/chat/sessions', `/api/${user.userId}/conversations`);
  const reads = [
    ['get /v1/chat/sessions/{session_id}', session],
    ['get /v1/chat/sessions/{session_id}/messages', `${session}/messages`],
    ['get /api/{user_id}/conversations/{conversation_id}/messages', `${conversation}/messages`],
  ] as const;
  for (const [name, path] of reads) {
    const first = await tryOut(name, path);
    expect(first, name).toMatchObject(json);
    const again = await tryOut(name, path, { headers: { 'if-none-match': first.headers.get('etag') ?? '' } });
    expect(again, name).toMatchObject({ answer: [304, 'none'], undocumented: [] });
  }
});

/** The body that the page of the document fills in for an operation that takes one. */
const exampleOf = ({ requestBody }: Operation) => requestBody?.content['application/json']?.example;

test('every body has an example, which its operation takes as it stands', async () => {
  const withBody = operations().filter(([, { requestBody }]) => requestBody);
  expect(withBody.filter(([, operation]) => exampleOf(operation) === undefined).map(([name]) => name)).toEqual([]);
  const resources = await createResources(product, user);
  const refused: string[] = [];
  for (const [name, operation] of withBody) {
    const [method = '', pattern = ''] = name.split(' ');
    const route = routeExamples[`${method.toUpperCase()} ${pattern.replaceAll(/\{(\w+)\}/g, ':$1')}`];
    const { answer } = await tryOut(name, route?.(resources).path ?? pattern, { body: exampleOf(operation) ?? {} });
    if (answer[0] === 400 || answer[0] === 422) refused.push(name);
  }
  expect(refused).toEqual([]);
});

test('a WebSocket that is asked for as a page is refused as documented', async () => {
  const { responses = {} } = paths['/v1/chat/ws']?.get ?? {};
  expect(Object.keys(responses)).toEqual(['101', '426', 'default']);
  expect((await fetch(`${product.url}/v1/chat/ws`)).status).toBe(426);
});

test('a sign-out is documented to take an access token, and to do without', () => {
  expect(paths['/api/auth/logout']?.post?.security).toEqual([{ bearer: [] }, {}]);
});

test('a POST that only reads takes no Idempotency-Key', () => {
  const takers = operations().filter(([, { parameters = [] }]) =>
    parameters.some(({ name }) => name === 'Idempotency-Key'),
  );
  const names = takers.map(([name]) => name);
  expect(names).toContain('post /v1/chat/sessions');
  expect(names).not.toContain('post /v1/chat/messages/batch');
});
