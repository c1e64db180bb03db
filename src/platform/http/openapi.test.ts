import { type TProperties, Type } from 'typebox';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { createTestServer, type TestServer } from '../../../test/harness/http-server.ts';
import { httpErrors } from './errors.ts';
import type { HttpServer } from './server.ts';

interface Operation {
  security: unknown;
  responses: Record<string, { description?: string; content?: Record<string, object>; headers?: object }>;
  requestBody?: { required?: boolean; content: { 'application/json': { schema: { required?: string[] } } } };
  parameters?: { name: string; in: string; required: boolean; schema: object }[];
}

const closed = { additionalProperties: false };

/** Routes that the document has more to say of. */
function addDescribed(server: HttpServer): void {
  const reading = { access: 'x:read' };
  const limit = Type.Integer({ default: 50 });
  const List = Type.Object({ limit, cursor: Type.Optional(Type.String()), of: Type.String() }, closed);
  const Unchanged = Type.Null({ description: 'Nothing has changed.' });
  const response = { 200: Type.Object({ title: Type.String() }), 304: Unchanged };
  server.get('/list', { config: reading, schema: { querystring: List, response } }, async () => ({ title: 'a' }));
  server.post('/read', { config: reading, schema: { body: List } }, async () => ({}));
  const Optional = Type.Object({ note: Type.Optional(Type.String()) }, closed);
  server.post('/optional', { config: { access: 'x:write' }, schema: { body: Optional } }, async () => ({}));
  const Change = Type.Object({ note: Type.Optional(Type.String()) }, { ...closed, minProperties: 1 });
  server.patch('/change', { config: { access: 'x:write' }, schema: { body: Change } }, async () => ({}));
  const Answer = { 200: Type.Object({ text: Type.String() }) };
  const Event = Type.Object({ delta: Type.String() });
  const asked = {
    config: { access: 'x:write', streams: Event, answersWith: ['Location'] as const },
    schema: { response: Answer },
  };
  server.post('/ask', asked, async () => ({ text: 'a' }));
  server.get('/events', { config: { access: 'x:read', streams: Event } }, async () => ({}));
  server.addWebSocketRoute('/ws', { schema: {}, admit: async () => {}, open: () => {} });
}

let made: TestServer;
let document: {
  openapi: string;
  info: { version: string; license: object };
  servers: object[];
  paths: Record<string, Record<string, Operation>>;
  'x-error-codes': { code: string }[];
  components: {
    schemas: { Error: { required: string[] } };
    headers: object;
    responses: { Error: { headers: object } };
  };
};
beforeAll(async () => {
  made = createTestServer((server) => {
    const schema = { body: Type.Object({ title: Type.String() }, { additionalProperties: false }) };
    server.post('/direct/:thing_id', { config: { access: 'x:write' }, schema }, async () => ({}));
    addDescribed(server);
    server.register((scope, _options, done) => {
      scope.get('/in-a-plug-in', { config: { access: 'public' } }, async () => ({}));
      done();
    });
  });
  document = (await made.server.inject('/openapi.json')).json();
});
afterAll(() => made.server.close());

test('the document is OpenAPI 3.1 and has every route, however it was added', () => {
  expect(document.openapi).toBe('3.1.0');
  expect(document.info).toMatchObject({ version: '1.2.3', license: { name: 'MIT', identifier: 'MIT' } });
  expect(document.servers).toEqual([{ url: '/' }]);
  const described = ['/ask', '/change', '/events', '/list', '/optional', '/read', '/ws'];
  const others = ['/direct/{thing_id}', '/in-a-plug-in', '/livez', '/readyz'];
  expect(Object.keys(document.paths).sort()).toEqual([...described, ...others].sort());
  expect(document.paths['/direct/{thing_id}']?.post?.requestBody).toBeDefined();
});

test('every operation says what an error looks like and whether it takes a key', () => {
  const operations = Object.values(document.paths).flatMap((path) => Object.values(path));
  expect(operations).toHaveLength(11);
  for (const { responses } of operations) expect(responses.default).toEqual({ $ref: '#/components/responses/Error' });
  expect(document.components.schemas.Error.required).toEqual(['error']);
  expect(document.paths['/direct/{thing_id}']?.post?.security).toEqual([{ bearer: [] }, { apiKey: [] }]);
  expect(document.paths['/in-a-plug-in']?.get?.security).toEqual([]);
});

test('an answer of which its schema says nothing is called by its status', () => {
  const responsesOf = (path: string) => document.paths[path]?.get?.responses;
  const ok = { description: 'OK' };
  expect(responsesOf('/readyz')).toMatchObject({ 200: ok, 503: { description: 'Service Unavailable' } });
  expect(responsesOf('/in-a-plug-in')).toMatchObject({ 200: ok });
  expect(responsesOf('/list')).toMatchObject({ 200: ok, 304: { description: 'Nothing has changed.' } });
  expect(JSON.stringify(document)).not.toContain('Default Response');
});

/** The operations that have a header as a parameter, as `post /ask`. */
function takersOf(header: string): string[] {
  const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => [`${method} ${path}`, operation] as const),
  );
  const takers = operations.filter(([, { parameters = [] }]) => parameters.some(({ name }) => name === header));
  for (const [, { parameters }] of takers) {
    expect(parameters).toContainEqual(expect.objectContaining({ name: header, in: 'header', required: false }));
  }
  return takers.map(([name]) => name).sort();
}

test('a POST of a caller that writes says that it takes an Idempotency-Key, quoted too, and nothing else does', () => {
  expect(takersOf('Idempotency-Key')).toEqual(['post /ask', 'post /direct/{thing_id}', 'post /optional']);
  const parameters = document.paths['/ask']?.post?.parameters;
  expect(parameters).toMatchObject([{ name: 'Idempotency-Key', schema: { maxLength: 255 + '""'.length } }]);
});

test('what has a default is not required, nor is a body that needs no field', () => {
  const { list, read, optional, change } = Object.fromEntries(
    Object.entries(document.paths).map(([path, methods]) => [path.slice(1), Object.values(methods)[0]]),
  );
  const required = list?.parameters?.filter((parameter) => parameter.required).map(({ name }) => name);
  expect(required).toEqual(['of']);
  expect(read?.requestBody).toMatchObject({ required: true });
  expect(read?.requestBody?.content['application/json'].schema.required).toEqual(['of']);
  expect(change?.requestBody).toMatchObject({ required: true });
  expect(optional?.requestBody?.content['application/json'].schema.required).toBeUndefined();
  expect(optional?.requestBody?.required).toBeUndefined();
});

test('what streams says so, and a GET that streams is read on by Last-Event-ID', () => {
  const contentOf = (operation?: Operation) => Object.keys(operation?.responses['200']?.content ?? {});
  expect(contentOf(document.paths['/ask']?.post)).toEqual(['application/json', 'text/event-stream']);
  expect(contentOf(document.paths['/events']?.get)).toEqual(['text/event-stream']);
  expect(contentOf(document.paths['/list']?.get)).toEqual(['application/json']);
  expect(document.paths['/ask']?.post?.responses['200']?.content?.['application/json']).toMatchObject({
    schema: { properties: { text: { type: 'string' } } },
  });
  for (const operation of [document.paths['/ask']?.post, document.paths['/events']?.get]) {
    expect(operation?.responses['200']?.content?.['text/event-stream']).toMatchObject({
      schema: { properties: { delta: { type: 'string' } } },
    });
  }
  expect(takersOf('Last-Event-ID')).toEqual(['get /events']);
});

test('what can answer 304 takes If-None-Match', () => {
  expect(takersOf('If-None-Match')).toEqual(['get /list']);
  const headers = { ETag: { $ref: '#/components/headers/ETag' } };
  expect(document.paths['/list']?.get?.responses['304']).toEqual({ description: 'Nothing has changed.', headers });
});

test('answers have the headers that go with what a request takes or that their route names, and errors those that say whether to repeat it', () => {
  const ref = (name: string) => ({ [name]: { $ref: `#/components/headers/${name}` } });
  expect(document.paths['/list']?.get?.responses['200']?.headers).toEqual(ref('ETag'));
  expect(document.paths['/ask']?.post?.responses['200']?.headers).toEqual({
    ...ref('Idempotent-Replayed'),
    ...ref('Location'),
  });
  expect(document.paths['/read']?.post?.responses['200']).not.toHaveProperty('headers');
  const { headers, responses } = document.components;
  expect(responses.Error.headers).toEqual({ ...ref('Retry-After'), ...ref('X-Should-Retry') });
  expect(Object.keys(headers)).toEqual(['ETag', 'Idempotent-Replayed', 'Location', 'Retry-After', 'X-Should-Retry']);
  expect(document.paths['/ask']?.post).not.toHaveProperty('x-answers-with');
});

test('a WebSocket is opened with 101, and asked for otherwise it is 426', () => {
  const { responses } = document.paths['/ws']?.get ?? {};
  expect(Object.keys(responses ?? {})).toEqual(['101', '426', 'default']);
  expect(responses?.['426']).toEqual(responses?.default);
});

test('the document lists the error codes', () => {
  expect(document['x-error-codes'].map(({ code }) => code)).toEqual(httpErrors.catalogue.map(({ code }) => code));
});

test('the document is written once, not for each who asks', async () => {
  const stringify = vi.spyOn(JSON, 'stringify');
  for (let asked = 0; asked < 3; asked++) expect((await made.server.inject('/openapi.json')).json()).toEqual(document);
  const written = stringify.mock.calls.filter(([value]) => (value as Partial<typeof document>)?.openapi !== undefined);
  stringify.mockRestore();
  expect(written).toEqual([]);
});

test('the pages load nothing from elsewhere, and their policy lets them load what they need', async () => {
  const page = await made.server.inject('/docs');
  expect(page.statusCode).toBe(200);
  expect(page.headers['content-security-policy']).toContain("default-src 'self'");
  const sources = [...page.body.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, source]) => source as string);
  expect(sources.length).toBeGreaterThan(3);
  for (const source of sources) {
    expect(source).toMatch(/^\/docs\//);
    expect((await made.server.inject(source)).statusCode, source).toBe(200);
  }
  // Swagger's pages else ask a service on the net whether the document is valid.
  const { body } = await made.server.inject('/docs/static/swagger-initializer.js');
  expect(body).toMatch(/"validatorUrl":\s*null/);
  // A script within the page would be stopped by the policy.
  expect(page.body).not.toMatch(/<script>|<script [^>]*[^/]>\s*\w/);
  expect((await made.server.inject('/docs/json')).json()).toEqual(document);
});

test('a server with two different schemas of one name is not ready, and says which', async () => {
  const named = (fields: TProperties) => ({
    config: { access: 'x:read' },
    schema: { response: { 200: Type.Object(fields, { title: 'Thing' }) } },
  });
  const { server } = createTestServer((http) => {
    http.get('/thing', named({ id: Type.String() }), async () => ({ id: 'a' }));
    http.get('/other', named({ name: Type.String() }), async () => ({ name: 'b' }));
  });
  await expect(server.ready()).rejects.toThrow('GET /other: another schema is called Thing already');
  await server.close();
});

test('the pages show which permission an operation takes', async () => {
  expect(document.paths['/direct/{thing_id}']?.post).toHaveProperty('x-permission', 'x:write');
  const { body } = await made.server.inject('/docs/static/swagger-initializer.js');
  expect(body).toMatch(/"showExtensions":\s*true/);
});
