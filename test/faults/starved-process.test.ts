import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { startFaultServer } from './fault-server.ts';
import { createClient, findNotOnce, numberedWrites, replayUnanswered, startLoad } from './load.ts';

it('a server that stood still for 5 s answers or refuses who waited, loses nothing, and goes on', async () => {
  const faulty = await startFaultServer();
  const { child } = faulty.server;
  const send = createClient(faulty);
  const load = startLoad(send, 50, numberedWrites());
  await sleep(1_000);
  child.kill('SIGSTOP');
  await sleep(5_000);
  child.kill('SIGCONT');
  const goesOnAtMs = performance.now();
  await expect.poll(async () => (await send({ path: '/v1/me' })).status, { timeout: 10_000 }).toBe(200);
  await sleep(3_000);
  await load.stop();
  expect(child.exitCode).toBe(null);
  const statuses = new Set(load.answers.map(({ status }) => status));
  for (const status of statuses) expect([201, 503]).toContain(status);
  const late = load.answers.filter(({ sentAtMs }) => sentAtMs > goesOnAtMs + 2_000);
  expect(late.filter(({ status }) => status === 201).length).toBeGreaterThan(0);
  await replayUnanswered(send, load.answers);
  expect(await findNotOnce(send, load.answers)).toEqual([]);
});

const hasLimits = spawnSync('prlimit', ['--version']).status === 0;

it.runIf(hasLimits)(
  'without a free descriptor, who is connected is served, and others are once there are some',
  async () => {
    const faulty = await startFaultServer();
    const { child, url } = faulty.server;
    // One connection, which stays open.
    const send = createClient(faulty, 1);
    for (let request = 0; request < 20; request++) await send({ path: '/v1/chat/sessions' });
    const limit = faulty.countFiles() + 20;
    expect(spawnSync('prlimit', ['--pid', String(child.pid), `--nofile=${limit}:${limit}`]).status).toBe(0);

    const { hostname, port } = new URL(url);
    const crowd = Array.from({ length: 300 }, () => connect(Number(port), hostname).on('error', () => undefined));
    await sleep(1_000);
    for (let request = 0; request < 20; request++) {
      expect((await send({ method: 'POST', path: '/v1/chat/sessions', body: {} })).status).toBe(201);
    }
    expect(child.exitCode).toBe(null);

    await Promise.all(crowd.map((socket) => (socket.destroyed ? undefined : once(socket.destroy(), 'close'))));
    const other = createClient(faulty, 1);
    await expect.poll(async () => (await other({ path: '/v1/me' })).status, { timeout: 10_000 }).toBe(200);
  },
);
