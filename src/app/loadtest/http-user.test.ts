import { createServer } from 'node:http';
import { expect, onTestFinished, test } from 'vitest';
import { listen } from '../../../test/harness/listen.ts';
import { HttpUser } from './http-user.ts';

/** A user of a server that creates sessions a, b, c, …, whose history is of the state `etag` as long as nobody posts. */
async function meet() {
  const asked: string[] = [];
  let sessions = 0;
  let isBusy = false;
  const server = createServer(({ method, url, headers }, response) => {
    const { 'if-none-match': condition, authorization } = headers;
    asked.push([method, url, ...(condition ? [condition] : [])].join(' '));
    if (isBusy || authorization !== 'Bearer secret') response.writeHead(503).end();
    else if (url === '/v1/chat/sessions') response.writeHead(201).end(JSON.stringify({ id: 'abc'[sessions++] }));
    else response.writeHead(condition ? 304 : 200, { etag: '"etag"' }).end();
  });
  onTestFinished(() => void server.close());
  const user = new HttpUser(new URL(`http://127.0.0.1:${await listen(server)}`), 'secret');
  onTestFinished(() => user.close());
  return {
    user,
    ask: async (action: Parameters<HttpUser['do']>[0]) => {
      await user.do(action);
      return asked.splice(0);
    },
    beBusy: () => {
      isBusy = true;
    },
  };
}

test('a user begins with a session of its own, which it keeps', async () => {
  const { ask } = await meet();
  expect(await ask('read')).toEqual(['POST /v1/chat/sessions']);
  expect(await ask('create')).toEqual(['POST /v1/chat/sessions']);
  expect(await ask('post')).toEqual(['POST /v1/chat/sessions/a/messages']);
});

test('what is unchanged is asked for as what it was, as long as the user has not posted', async () => {
  const { ask } = await meet();
  await ask('create');
  const read = 'GET /v1/chat/sessions/a/messages';
  expect(await ask('unchanged')).toEqual([read]);
  expect(await ask('read')).toEqual([read]);
  expect(await ask('unchanged')).toEqual([`${read} "etag"`]);
  await ask('post');
  expect(await ask('unchanged')).toEqual([read]);
});

test('another answer than is expected is an error, named by its status; so is none, named by its code', async () => {
  const { user, ask, beBusy } = await meet();
  await ask('create');
  beBusy();
  await expect(ask('read')).rejects.toThrow(/^status 503$/);
  await user.close();
  await expect(ask('read')).rejects.toThrow(/^UND_ERR_DESTROYED$/);
});
