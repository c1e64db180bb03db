import { expect, onTestFinished, test } from 'vitest';
import { countLocked } from '../harness/count-locked.ts';
import { type FaultProxy, startFaultProxy } from '../harness/fault-proxy.ts';
import { startProduct } from '../harness/product.ts';
import { msUntil } from './fault-server.ts';

/** The budget of a statement is 2 s; the test's own looking and a busy machine have the rest. */
const ANSWER_BOUND_MS = 3_500;
/** The database ends a statement half a second after its budget, when it cannot be told. */
const GONE_BOUND_MS = 3_000;

/** A server behind a network that can be broken, on the database of another. */
async function startBehindProxy() {
  const owner = await startProduct({}, { worksOnJobs: false });
  onTestFinished(() => owner.stop());
  const proxy: FaultProxy = await startFaultProxy(owner.databaseUrl);
  onTestFinished(() => proxy.close());
  const product = await startProduct({}, { worksOnJobs: false, beside: { ...owner, databaseUrl: proxy.url } });
  onTestFinished(async () => {
    proxy.setMode('reset');
    await product.stop();
  });
  return { owner, proxy, product };
}

test('a database that is lost in mid statement: 503 at the bound, and the statement does not stay there with its locks', async () => {
  const { owner, proxy, product } = await startBehindProxy();
  const user = await product.createUser();
  const id = await product.createSession(user);
  const [holder, admin] = [await owner.connect(), await owner.connect()];
  await holder.query('begin');
  await holder.query('select from chat_sessions where id = $1 for update', [id]);
  const startedAtMs = performance.now();
  const lost = product.request(user, 'PATCH', `/v1/chat/sessions/${id}`, { title: 'lost' });
  await msUntil(async () => (await countLocked(admin)) === 1);
  proxy.setMode('black-hole');
  const { status, headers } = await lost;
  const tookMs = performance.now() - startedAtMs;
  expect(status).toBe(503);
  expect(headers.get('retry-after')).toMatch(/^[1-5]$/);
  expect(tookMs).toBeGreaterThan(1_900);
  expect(tookMs).toBeLessThan(ANSWER_BOUND_MS);
  expect(await msUntil(async () => (await countLocked(admin)) === 0)).toBeLessThan(GONE_BOUND_MS);
  await holder.query('rollback');
  proxy.setMode('pass');
  const read = async () => product.request(user, 'GET', `/v1/chat/sessions/${id}`);
  await msUntil(async () => (await read()).status === 200);
  expect(await (await read()).json()).toMatchObject({ title: null });
});
