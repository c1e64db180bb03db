import { Type } from 'typebox';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createTestServer, signedIn, type TestServer } from '../../../test/harness/http-server.ts';

const Message = Type.Object(
  {
    role: Type.String({ enum: ['user', 'system'] }),
    content: Type.Union([Type.String({ maxLength: 10 }), Type.Null()]),
    kind: Type.Optional(Type.Union([Type.Literal('a'), Type.Literal('b')])),
  },
  { additionalProperties: false },
);
const Body = Type.Object(
  {
    title: Type.String({ minLength: 1, maxLength: 5 }),
    count: Type.Optional(Type.Integer({ minimum: 1 })),
    note: Type.Optional(Type.String({ pattern: '\\S' })),
    currency: Type.Optional(Type.String({ pattern: '^[A-Z]{3}$', description: 'A code of ISO 4217, such as EUR.' })),
    remark: Type.Optional(Type.Union([Type.String({ pattern: '\\S' }), Type.Null()])),
    at: Type.Optional(Type.String({ format: 'date-time' })),
    day: Type.Optional(Type.String({ format: 'date' })),
    mail: Type.Optional(Type.String({ format: 'email' })),
    messages: Type.Optional(Type.Array(Message, { maxItems: 2 })),
    parent_id: Type.Optional(Type.Union([Type.String({ format: 'uuid' }), Type.Null()])),
    ids: Type.Optional(Type.Array(Type.String({ format: 'uuid' }), { uniqueItems: true })),
    colour: Type.String({ default: 'red' }),
  },
  { additionalProperties: false },
);
const Query = Type.Object(
  {
    limit: Type.Integer({ minimum: 1, maximum: 1000, default: 50 }),
    ratio: Type.Optional(Type.Number()),
    unread: Type.Optional(Type.Boolean()),
    name: Type.Optional(Type.String()),
    tags: Type.Optional(Type.Array(Type.String())),
    maybe: Type.Optional(Type.Union([Type.Integer(), Type.Null()])),
    from: Type.Optional(Type.String({ format: 'date-time' })),
  },
  { additionalProperties: false },
);
const Params = Type.Object({ session_id: Type.String({ format: 'uuid' }) }, { additionalProperties: false });
const Shown = Type.Object({ title: Type.String() });

const ID = '0190a0a0-0000-7000-8000-00000000abcd';

let made: TestServer;
beforeAll(() => {
  made = createTestServer((server) => {
    const config = { access: 'x:read' };
    server.post('/things', { config, schema: { body: Body } }, async (request) => request.body);
    server.get('/things', { config, schema: { querystring: Query } }, async (request) => request.query);
    server.get('/sessions/:session_id', { config, schema: { params: Params } }, async (request) => request.params);
    server.get(
      '/names/:name',
      { config, schema: { params: Type.Object({ name: Type.String() }, { additionalProperties: false }) } },
      async () => ({}),
    );
    server.get('/shown', { config, schema: { response: { 200: Shown } } }, async () => ({ title: 'a', secret: 'b' }));
    server.post('/bare', { config }, async () => ({ done: true }));
    server.patch(
      '/optional',
      { config, schema: { body: Type.Object({ a: Type.Optional(Type.Integer()) }, { additionalProperties: false }) } },
      async (request) => request.body,
    );
  });
});
afterAll(() => made.server.close());

const post = (payload: object) => made.server.inject({ method: 'POST', url: '/things', payload, headers: signedIn });
const get = (url: string) => made.server.inject({ url, headers: signedIn });

describe('a body', () => {
  test.each([
    [{ title: 5 }, 'title', 'a string'],
    [{ title: '' }, 'title', '1'],
    [{ title: 'canary' }, 'title', '5'],
    [{}, 'title', 'required'],
    [{ title: 'x', count: '5' }, 'count', 'an integer'],
    [{ title: 'x', count: 0 }, 'count', '>= 1'],
    [{ title: 'x', count: 1.5 }, 'count', 'an integer'],
    [{ title: 'x', note: ' ' }, 'note', 'must not be blank.'],
    [{ title: 'x', currency: 'canary' }, 'currency', 'must be as described: A code of ISO 4217, such as EUR.'],
    [{ title: 'x', remark: '\n' }, 'remark', 'must not be blank.'],
    [{ title: 'x', user_id: 'canary' }, 'user_id', 'unknown'],
    [{ title: 'x', at: '2026-02-30T00:00:00Z' }, 'at', 'RFC 3339'],
    [{ title: 'x', at: '2026-13-01T00:00:00Z' }, 'at', 'RFC 3339'],
    [{ title: 'x', at: '2026-02-28 00:00:00Z' }, 'at', 'RFC 3339'],
    [{ title: 'x', at: '2026-02-28T24:00:00Z' }, 'at', 'RFC 3339'],
    [{ title: 'x', at: '2026-02-28T00:00:00' }, 'at', 'RFC 3339'],
    [{ title: 'x', at: '0000-01-01T00:00:00Z' }, 'at', 'RFC 3339'],
    [{ title: 'x', day: '2025-02-29' }, 'day', 'date'],
    [{ title: 'x', mail: 'canary' }, 'mail', 'e-mail'],
    [{ title: 'x', messages: [{ role: 'User', content: 'a' }] }, 'messages[0].role', '"user", "system"'],
    [{ title: 'x', messages: [{ role: 'user' }] }, 'messages[0].content', 'required'],
    [{ title: 'x', messages: [{ role: 'user', content: 5 }] }, 'messages[0].content', 'a string or null'],
    [{ title: 'x', messages: [{ role: 'user', content: 'canary canary' }] }, 'messages[0].content', '10'],
    [{ title: 'x', messages: [{ role: 'user', content: null, kind: 'c' }] }, 'messages[0].kind', '"a", "b"'],
    [{ title: 'x', messages: [{ role: 'user', content: null, extra: 1 }] }, 'messages[0].extra', 'unknown'],
    [{ title: 'x', messages: [1, 2, 3] }, 'messages', '2'],
    [{ title: 'x', messages: {} }, 'messages', 'a list'],
  ])('that is %j is refused for %s, naming it and saying what is expected', async (payload, param, text) => {
    const answer = await post(payload);
    expect(answer.statusCode).toBe(400);
    const { error } = answer.json();
    expect(error).toMatchObject({ type: 'invalid_request_error', code: 'http.invalid_request', param });
    expect(error.message).toContain(text);
    expect(error.message.startsWith(`\`${param}\` `)).toBe(true);
    expect(answer.body).not.toContain('canary');
  });

  test('that fits is passed on as it is, with defaults filled in', async () => {
    const payload = { title: 'x', at: '2024-02-29T23:59:59.999+01:00', day: '2024-02-29', messages: [] };
    expect((await post(payload)).json()).toEqual({ ...payload, colour: 'red' });
  });

  test('has its ids read in either case, and those that differ in nothing else as one', async () => {
    const capitals = ID.toUpperCase();
    const read = (await post({ title: 'x', parent_id: capitals, ids: [capitals] })).json();
    expect(read).toMatchObject({ parent_id: ID, ids: [ID] });
    expect((await post({ title: 'x', parent_id: null })).json()).toMatchObject({ parent_id: null });
    expect((await post({ title: 'x', ids: [capitals, ID] })).json().error.param).toBe('ids');
  });

  test('may be left out where no field of it is required, and only there', async () => {
    const patch = await made.server.inject({ method: 'PATCH', url: '/optional', headers: signedIn });
    expect(patch.json()).toEqual({});
    const needed = await made.server.inject({ method: 'POST', url: '/things', headers: signedIn });
    expect(needed.json().error).toMatchObject({ code: 'http.invalid_request', param: 'body' });
  });

  test('is refused on a route that takes none, unless it is empty', async () => {
    const send = (payload?: object) =>
      made.server.inject({ method: 'POST', url: '/bare', headers: signedIn, ...(payload && { payload }) });
    expect((await send()).statusCode).toBe(200);
    expect((await send({})).statusCode).toBe(200);
    const { error } = (await send({ user_id: 1 })).json();
    expect(error).toMatchObject({ param: 'user_id', message: expect.stringMatching(/^`user_id` .*takes no body/) });
  });
});

describe('a query', () => {
  test.each([
    ['limit=5', { limit: 5 }],
    ['', { limit: 50 }],
    ['ratio=-1.5', { limit: 50, ratio: -1.5 }],
    ['unread=true', { limit: 50, unread: true }],
    ['unread=false', { limit: 50, unread: false }],
    ['name=5', { limit: 50, name: '5' }],
    ['tags=5', { limit: 50, tags: ['5'] }],
    ['tags=a&tags=b', { limit: 50, tags: ['a', 'b'] }],
    ['maybe=7', { limit: 50, maybe: 7 }],
    ['from=2026-11-30T15:00:00+02:00', { limit: 50, from: '2026-11-30T15:00:00+02:00' }],
    ['from=2026-11-30T15:00:00%2B02:00', { limit: 50, from: '2026-11-30T15:00:00+02:00' }],
    ['name=a+02:00', { limit: 50, name: 'a 02:00' }],
    ['name=%27%20or%201=1--%25_', { limit: 50, name: "' or 1=1--%_" }],
  ])('%s is read as its schema asks', async (query, expected) => {
    expect((await get(`/things?${query}`)).json()).toEqual(expected);
  });

  test.each([
    'limit=',
    'limit=5x',
    'limit=1e400',
    'limit=%205',
    'limit=5%20',
    'limit=+5',
    'limit=0x10',
    'limit=1e3',
    'limit=05',
    'limit=-0',
    'limit=0',
    'limit=-1',
    'limit=1001',
    'limit=9007199254740993',
    'limit=NaN',
    'limit=1.5',
    'limit=null',
    'limit=1&limit=2',
    'limit[]=1',
    'limit',
  ])('%s is refused, naming it', async (query) => {
    const answer = await get(`/things?${query}`);
    expect(answer.statusCode).toBe(400);
    expect(answer.json().error.param).toMatch(/^limit/);
  });

  test.each([
    ['unread=1', 'unread'],
    ['unread=TRUE', 'unread'],
    ['ratio=Infinity', 'ratio'],
    ['unknown=1', 'unknown'],
    ['__proto__=1', '__proto__'],
    ['name=a&name=b', 'name'],
    ['name=true&name2', 'name2'],
    ['name=%00', 'name'],
    ['name=%ff', 'name'],
    ['name=%ed%a0%80', 'name'],
  ])('%s is refused, naming %s', async (query, param) => {
    const answer = await get(`/things?${query}`);
    expect(answer.statusCode).toBe(400);
    expect(answer.json().error).toMatchObject({ param, message: expect.stringContaining(`\`${param}\` `) });
  });

  test('is refused on a route that takes none, unless the route is public', async () => {
    expect((await get('/shown?x=1')).json().error.param).toBe('x');
    expect((await get('/livez?x=1')).statusCode).toBe(200);
  });
});

describe('a path', () => {
  test.each(['abc', `urn:uuid:${ID}`, `${ID}%00`, "1'--", '%F0%9F%98%80'])(
    'with the id %s is refused with 400, naming the parameter',
    async (id) => {
      const answer = await get(`/sessions/${id}`);
      expect(answer.statusCode).toBe(400);
      expect(answer.json().error.param).toBe('session_id');
    },
  );

  test('with an id is taken, in capitals too', async () => {
    expect((await get(`/sessions/${ID}`)).json()).toEqual({ session_id: ID });
    expect((await get(`/sessions/${ID.toUpperCase()}`)).json()).toEqual({ session_id: ID });
  });

  test.each([
    '/sessions/%00',
    '/sessions//',
    '//sessions',
    '/sessions/%2e%2e%2f',
    '/sessions/..',
    '/%',
    '/sessions/%ff',
    '/names/a%00b',
  ])('with the trick %s is 4xx and never 5xx', async (url) => {
    const answer = await get(url);
    expect([400, 404]).toContain(answer.statusCode);
    expect(answer.json().error.code).toMatch(/^http\./);
  });

  test('that is too long is 414, and no shorter one', async () => {
    expect((await get(`/names/${'a'.repeat(200)}`)).statusCode).toBe(200);
    expect((await get(`/names/${'a'.repeat(201)}`)).statusCode).toBe(414);
    expect((await get(`/things?name=${'a'.repeat(9000)}`)).statusCode).toBe(414);
  });
});

test('only the documented fields of an answer go out', async () => {
  expect((await get('/shown')).json()).toEqual({ title: 'a' });
});
