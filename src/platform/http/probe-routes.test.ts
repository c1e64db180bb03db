import { afterEach, expect, test } from 'vitest';
import { createTestServer } from '../../../test/harness/http-server.ts';
import type { Readiness } from './probe-routes.ts';
import type { HttpServer } from './server.ts';

let server: HttpServer;
afterEach(() => server.close());

async function ask(url: string, readiness: () => Promise<Readiness>) {
  ({ server } = createTestServer(() => {}, { readiness }));
  return server.inject(url);
}

test.each([
  ['ready', 200, []],
  ['degraded', 200, ['redis is away']],
  ['unavailable', 503, ['the database is away']],
] as const)('readyz is %s with status %d and the reasons', async (status, code, reasons) => {
  const answer = await ask('/readyz', async () => ({ status, reasons: [...reasons] }));
  expect(answer.statusCode).toBe(code);
  expect(answer.json()).toEqual({ status, reasons });
  expect(answer.headers['cache-control']).toBe('no-store');
});

test('readyz is unavailable when the check throws, and says nothing of why', async () => {
  const answer = await ask('/readyz', () => Promise.reject(new Error('canary at 10.0.0.1')));
  expect(answer.statusCode).toBe(503);
  expect(answer.json().status).toBe('unavailable');
  expect(answer.body).not.toContain('canary');
});

test('readyz is unavailable when the check does not come back', async () => {
  const answer = await ask('/readyz', () => new Promise(() => {}));
  expect(answer.statusCode).toBe(503);
  expect(answer.json().status).toBe('unavailable');
});

test('livez is 200 and asks nothing', async () => {
  const answer = await ask('/livez', () => Promise.reject(new Error('asked')));
  expect(answer.statusCode).toBe(200);
  expect(answer.json()).toEqual({ status: 'alive' });
});
