import { expect, test } from 'vitest';
import { msUntil, startFaultServer } from './fault-server.ts';

test('with the database frozen, health answers within a second that it is unavailable, and that it is well again after', async () => {
  const hurt = await startFaultServer();
  const ask = async () => {
    const startedAtMs = performance.now();
    const response = await fetch(`${hurt.server.url}/health`);
    const body = (await response.json()) as { status: string; database: object; reasons: string[] };
    return { status: response.status, body, tookMs: performance.now() - startedAtMs };
  };
  expect((await ask()).body).toMatchObject({ status: 'ok', database: { status: 'up' } });
  const thaw = hurt.freezePostgres();
  await msUntil(async () => (await ask()).body.status !== 'ok', 4_000);
  for (let asked = 0; asked < 3; asked++) {
    const { status, body, tookMs } = await ask();
    expect(status).toBe(200);
    expect(body).toMatchObject({
      status: 'unavailable',
      reasons: ['The database does not answer.'],
      database: { status: 'down', latency_ms: null },
    });
    expect(tookMs).toBeLessThan(1_000);
  }
  thaw();
  await msUntil(async () => (await ask()).body.status === 'ok', 6_000);
});
