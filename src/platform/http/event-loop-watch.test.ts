import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { expect, test } from 'vitest';
import { createTestServer, listen, signedIn } from '../../../test/harness/http-server.ts';
import type { HttpServer } from './server.ts';

async function openSockets(port: number, count: number): Promise<Socket[]> {
  const sockets = Array.from({ length: count }, () => connect(port, '127.0.0.1'));
  await Promise.all(sockets.map((socket) => once(socket, 'connect')));
  return sockets;
}

/** Sends a request on each socket, all in one turn; answers what came back. */
async function askTogether(sockets: readonly Socket[], path: string, method = 'GET'): Promise<string[]> {
  const answers = sockets.map(async (socket) => String((await once(socket, 'data'))[0]));
  const { authorization } = signedIn;
  for (const socket of sockets)
    socket.write(`${method} ${path} HTTP/1.1\r\nhost: a\r\nauthorization: ${authorization}\r\n\r\n`);
  return await Promise.all(answers);
}

test('of more requests than turns have time for, the rest is refused at once; how the server is, is always told', async () => {
  // Only work takes time: what else the machine does meanwhile must not have fewer begun.
  let workedMs = 0;
  const clock = { now: () => new Date(), monotonicMs: () => workedMs };
  const addRoutes = (routes: HttpServer) => {
    routes.get('/work', { config: { access: 'chat:read' } }, async () => {
      workedMs += 20;
      return { done: true };
    });
    routes.post('/sign-in', { config: { access: 'public' } }, async () => ({ done: true }));
  };
  const { server, lines } = createTestServer(addRoutes, { clock });
  const port = await listen(server);
  const [busy, watching] = [await openSockets(port, 60), await openSockets(port, 30)];
  // Connections are taken one in a turn; requests on those that are there come all at once.
  await askTogether([...busy, ...watching], '/livez');
  // What takes long only once, as the first requests of a process do, is done.
  const isDone = (answer: string) => answer.startsWith('HTTP/1.1 200');
  expect((await askTogether(busy, '/work')).filter(isDone).length).toBeGreaterThan(40);
  for (let round = 0; round < 2; round++) await askTogether(busy, '/work');
  const linesBefore = lines.length;
  const [answers, signIns, ...health] = await Promise.all([
    askTogether(busy, '/work'),
    askTogether(watching.slice(20), '/sign-in', 'POST'),
    askTogether(watching.slice(0, 10), '/livez'),
    askTogether(watching.slice(10, 20), '/livez', 'HEAD'),
  ]);
  const refused = answers.filter((answer) => answer.startsWith('HTTP/1.1 503'));
  expect(answers.filter(isDone).length).toBeGreaterThanOrEqual(10);
  expect(refused.length).toBeGreaterThan(20);
  expect(signIns.filter(isDone).length).toBeLessThan(10);
  expect(refused[0]).toMatch(/\r\nretry-after: 1\r\n/);
  expect(refused[0]).toContain('"code":"http.overloaded"');
  expect(health.flat().filter((answer) => !isDone(answer))).toEqual([]);
  expect(
    lines.slice(linesBefore).filter(({ code, level }) => code === 'http.overloaded' && level === 'error'),
  ).toHaveLength([...answers, ...signIns].filter((answer) => !isDone(answer)).length);
  expect((await askTogether(busy.slice(0, 1), '/work'))[0]).toMatch(/^HTTP\/1.1 200/);
  // A while later it may take long again.
  workedMs += 11_000;
  expect((await askTogether(busy, '/work')).filter(isDone).length).toBeGreaterThan(40);
  for (const socket of [...busy, ...watching]) socket.destroy();
  await server.close();
});
