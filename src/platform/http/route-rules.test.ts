import { type TObject, Type } from 'typebox';
import { expect, test } from 'vitest';
import { createTestServer } from '../../../test/harness/http-server.ts';
import { listRoutes } from './route-rules.ts';

test('a route that does not say who may call it is refused when it is registered', () => {
  expect(() => createTestServer((server) => void server.get('/open', async () => ({})))).toThrow(
    /GET \/open must say who/,
  );
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
