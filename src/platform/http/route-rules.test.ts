import { type TObject, Type } from 'typebox';
import { expect, test } from 'vitest';
import { createTestServer, signedIn } from '../../../test/harness/http-server.ts';
import { listRoutes, permissionsOf } from './route-rules.ts';
import type { HttpServer } from './server.ts';

test.each(['GET /open', 'GET /docs-of-ours', 'OPTIONS /things'])(
  'a route that does not say who may call it is refused when it is registered: %s',
  (place) => {
    const [method, url] = place.split(' ') as ['GET', string];
    const addRoute = () => createTestServer((server) => void server.route({ method, url, handler: async () => ({}) }));
    expect(addRoute).toThrow(`${place} must say who`);
  },
);

test('a caller must have all that a route takes, and nobody has what is not said', async () => {
  const config = { access: 'x:read', alsoTakes: ['admin'] };
  const { server } = createTestServer((made) => void made.get('/things', { config }, async () => ({})));
  expect((await server.inject({ url: '/things', headers: signedIn })).statusCode).toBe(403);
  expect(permissionsOf({})).toEqual(['']);
});

test.each([
  ['the body', { body: Type.Object({ a: Type.String() }) }, 'body'],
  ['the query', { querystring: Type.Object({ a: Type.String() }) }, 'querystring'],
  [
    'an object within the body',
    { body: Type.Object({ a: Type.Array(Type.Object({ b: Type.String() })) }, { additionalProperties: false }) },
    'body.properties.a.items',
  ],
])(
  'a schema that leaves open whether %s takes unknown fields is refused',
  (_what, schema: Record<string, TObject>, place) => {
    const addRoute = () =>
      createTestServer((server) => void server.post('/things', { config: { access: 'x' }, schema }, async () => ({})));
    expect(addRoute).toThrow(`at ${place} must say`);
  },
);

const open = { config: { access: 'public' }, handler: async () => ({}) };
/** The harness would give the route one. */
const nameless = { operationId: undefined as never };

test.each<[string, (server: HttpServer) => void, string]>([
  [
    'a route without an operationId',
    (server) => server.route({ ...open, method: 'GET', url: '/things', schema: nameless }),
    'GET /things must say what generated clients call it',
  ],
  [
    'two routes of one operationId',
    (server) => {
      server.route({ ...open, method: 'GET', url: '/things', schema: { operationId: 'doThings' } });
      server.route({ ...open, method: 'POST', url: '/others', schema: { operationId: 'doThings' } });
    },
    'POST /others and GET /things must not have the same operationId: doThings.',
  ],
  [
    'a route that is two operations',
    (server) => server.route({ ...open, method: ['GET', 'POST'], url: '/things' }),
    'POST /things and GET /things must not have the same operationId',
  ],
])('a server does not start with %s', async (_what, addRoutes, fault) => {
  await expect(createTestServer(addRoutes).server.ready()).rejects.toThrow(fault);
});

test('a route that the document does not show needs no operationId', async () => {
  const schema = { ...nameless, hide: true };
  const { server } = createTestServer((made) => void made.route({ ...open, method: 'GET', url: '/things', schema }));
  await server.ready();
  expect(listRoutes(server)).toContainEqual(expect.objectContaining({ method: 'GET', url: '/things' }));
});

test('all routes are listed with who may call them, those of plug-ins and HEAD too', async () => {
  const { server } = createTestServer((made) => {
    made.register((scope, _options, done) => {
      scope.get('/things', { config: { access: 'x:read' } }, async () => ({}));
      done();
    });
    made.post('/things', { config: { access: 'public' } }, async () => ({}));
  });
  await server.ready();
  const routes = listRoutes(server);
  expect(routes).toEqual(
    expect.arrayContaining([
      expect.objectContaining({ method: 'GET', url: '/things', access: 'x:read' }),
      expect.objectContaining({ method: 'HEAD', url: '/things', access: 'x:read' }),
      expect.objectContaining({ method: 'POST', url: '/things', access: 'public' }),
      expect.objectContaining({ method: 'GET', url: '/livez', access: 'public' }),
    ]),
  );
  expect(routes.every(({ access }) => access !== undefined)).toBe(true);
});
