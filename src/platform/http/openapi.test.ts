import { Type } from 'typebox';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { httpErrors } from './errors.ts';
import { createTestServer, type TestServer } from './test-server.ts';

interface Operation {
  security: unknown;
  responses: Record<string, unknown>;
  requestBody?: unknown;
  parameters?: { name: string; in: string }[];
}

let made: TestServer;
let document: {
  openapi: string;
  info: { version: string };
  paths: Record<string, Record<string, Operation>>;
  'x-error-codes': { code: string }[];
  components: { schemas: { Error: { required: string[] } } };
};
beforeAll(async () => {
  made = createTestServer((server) => {
    const schema = { body: Type.Object({ title: Type.String() }, { additionalProperties: false }) };
    server.post('/direct/:thing_id', { config: { access: 'x:write' }, schema }, async () => ({}));
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
  expect(document.info.version).toBe('1.2.3');
  expect(Object.keys(document.paths).sort()).toEqual(['/direct/{thing_id}', '/in-a-plug-in', '/livez', '/readyz']);
  expect(document.paths['/direct/{thing_id}']?.post?.requestBody).toBeDefined();
});

test('every operation says what an error looks like and whether it takes a key', () => {
  const operations = Object.values(document.paths).flatMap((path) => Object.values(path));
  expect(operations).toHaveLength(4);
  for (const { responses } of operations) expect(responses.default).toEqual({ $ref: '#/components/responses/Error' });
  expect(document.components.schemas.Error.required).toEqual(['error']);
  expect(document.paths['/direct/{thing_id}']?.post?.security).toEqual([{ bearer: [] }, { apiKey: [] }]);
  expect(document.paths['/in-a-plug-in']?.get?.security).toEqual([]);
});

test('a POST of a caller says that it takes an Idempotency-Key, and nothing else does', () => {
  const takers = Object.values(document.paths)
    .flatMap((path) => Object.entries(path))
    .filter(([, { parameters = [] }]) => parameters.some(({ name }) => name === 'Idempotency-Key'));
  expect(takers).toEqual([['post', document.paths['/direct/{thing_id}']?.post]]);
  const header = expect.objectContaining({ name: 'Idempotency-Key', in: 'header', required: false });
  expect(takers[0]?.[1].parameters).toContainEqual(header);
});

test('the document lists the error codes', () => {
  expect(document['x-error-codes'].map(({ code }) => code)).toEqual(httpErrors.catalogue.map(({ code }) => code));
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
  expect((await made.server.inject('/docs/static/swagger-initializer.js')).body).toMatch(/"validatorUrl":\s*null/);
  // A script within the page would be stopped by the policy.
  expect(page.body).not.toMatch(/<script>|<script [^>]*[^/]>\s*\w/);
  expect((await made.server.inject('/docs/json')).json()).toEqual(document);
});
