import { expect, test } from 'vitest';
import { countLocked } from '../harness/count-locked.ts';
import { type FaultServer, msUntil, startFaultServer } from './fault-server.ts';
import { createClient, type Send } from './load.ts';

/** The bound is a second; the rest is for the test's own looking. */
const GONE_MS = 1_500;

async function createSession(send: Send): Promise<string> {
  const { status, body } = await send({ method: 'POST', path: '/v1/chat/sessions', body: {} });
  expect({ status, body }).toMatchObject({ status: 201 });
  return String(body.id);
}

/** Holds a session's row, so that whoever writes to it waits; answers how to let go. */
async function lockSession(hurt: FaultServer, id: string): Promise<() => Promise<unknown>> {
  const holder = await hurt.connect();
  await holder.query('begin');
  await holder.query('select from chat_sessions where id = $1 for update', [id]);
  return () => holder.query('rollback');
}

async function serverBackends({ admin }: FaultServer): Promise<number[]> {
  const { rows } = await admin.query<{ pid: number }>(
    `select pid from pg_stat_activity where application_name = 'evenkeel' order by pid`,
  );
  return rows.map(({ pid }) => pid);
}

test('a client that leaves in mid statement: gone from the server, and the next on the connection sees nothing', async () => {
  const hurt = await startFaultServer({ DATABASE_POOL_SIZE: '1', DATABASE_POOL_OVERFLOW: '0' });
  const send = createClient(hurt);
  const id = await createSession(send);
  const path = `/v1/chat/sessions/${id}`;
  const before = await serverBackends(hurt);
  const goneMs: number[] = [];
  for (let round = 0; round < 10; round++) {
    const letGo = await lockSession(hurt, id);
    const client = new AbortController();
    const left = send({ method: 'PATCH', path, body: { title: `round ${round}` }, signal: client.signal });
    await msUntil(async () => (await countLocked(hurt.admin)) === 1);
    client.abort();
    goneMs.push(await msUntil(async () => (await countLocked(hurt.admin)) === 0));
    expect((await left).status).toBe(0);
    // The row is still held: a read does not wait for that, and finds nothing of the change.
    expect(await send({ path })).toMatchObject({ status: 200, body: { id, title: null } });
    await letGo();
    expect((await send({ path })).body.title).toBe(null);
  }
  expect(Math.max(...goneMs)).toBeLessThan(GONE_MS);
  expect(await serverBackends(hurt)).toEqual(before);
});

test('a client that leaves a statement that others are in: the others finish, and its own message is answered', async () => {
  const hurt = await startFaultServer({ DATABASE_POOL_SIZE: '4', DATABASE_POOL_OVERFLOW: '0' });
  const send = createClient(hurt);
  const ids = await Promise.all(Array.from({ length: 40 }, () => createSession(send)));
  const post = (id: string, signal?: AbortSignal) =>
    send({
      method: 'POST',
      path: `/v1/chat/sessions/${id}/messages`,
      body: { content: 'hi' },
      ...(signal && { signal }),
    });
  for (let round = 1; round <= 3; round++) {
    const [held = '', ...others] = ids;
    const letGo = await lockSession(hurt, held);
    const client = new AbortController();
    const left = post(held, client.signal);
    const staying = others.map((id) => post(id));
    await msUntil(async () => (await countLocked(hurt.admin)) > 0);
    client.abort();
    expect((await left).status).toBe(0);
    // A shared statement goes on for those who stay, so it waits for the row until that is let go.
    await letGo();
    const answers = await Promise.all(staying);
    expect(answers.filter(({ status }) => status !== 200)).toEqual([]);
    expect(new Set(answers.map(({ body }) => body.seq))).toEqual(new Set([2 * round]));
    await msUntil(async () => (await countLocked(hurt.admin)) === 0);
    const readHeld = async () => (await send({ path: `/v1/chat/sessions/${held}/messages` })).body.data as unknown[];
    await msUntil(async () => (await readHeld()).length === 2 * round);
    expect((await readHeld()).slice(-2)).toMatchObject([{ role: 'user' }, { role: 'assistant', status: 'complete' }]);
  }
});
