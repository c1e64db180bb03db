import { expect, it } from 'vitest';
import { newId } from '../../src/base/ids.ts';
import { listRoutes } from '../../src/platform/http/index.ts';
import type { JsonSchema } from '../contract/schema-faults.ts';
import { useProduct, useUser } from '../harness/product.ts';

const product = useProduct();
const user = useUser(product);

const extremes: Readonly<Record<string, readonly string[]>> = {
  date: ['0001-01-01', '9999-12-31'],
  'date-time': ['0001-01-01T00:00:00Z', '1969-12-31T23:59:59.999Z', '9999-12-31T23:59:59.999Z'],
};

/** Each route that reads a time in its query, with each of the first and last times that can be written. */
function listQueries(): string[] {
  return listRoutes(product.server.http)
    .filter(({ method }) => method === 'GET')
    .flatMap(({ url, schema }) => {
      const path = url.replaceAll(/:user_id/g, user.userId).replaceAll(/:\w+/g, newId());
      const { properties = {} } = (schema.querystring ?? {}) as JsonSchema;
      return Object.entries(properties).flatMap(([name, { format = '' }]) =>
        (extremes[format] ?? []).map((time) => `${path}?${name}=${time}`),
      );
    });
}

it('asked for the first or the last times that there are, no route fails', async () => {
  const queries = listQueries();
  expect(queries.filter((query) => query.startsWith('/v1/me/usage')).length).toBe(4);
  for (const query of queries) {
    const answer = await product.request(user, 'GET', query);
    expect([query, answer.status < 500]).toEqual([query, true]);
  }
});

it('a key may expire at the last instant that there is, and so may its successor', async () => {
  const expiresAt = '9999-12-31T23:59:59.000Z';
  const created = await product.request(user, 'POST', '/v1/keys', { name: 'for ever', expires_at: expiresAt });
  const { id, key } = (await created.json()) as { id: string; key: string };
  const rotated = await product.request(user, 'POST', `/v1/keys/${id}/rotate`, {});
  expect([rotated.status, await rotated.json()]).toMatchObject([201, { expires_at: expiresAt }]);
  expect((await product.request({ key }, 'GET', '/v1/keys')).status).toBe(200);
});
