import { createServer } from 'node:http';
import { expect, onTestFinished, test } from 'vitest';
import { type WebSocket, WebSocketServer } from 'ws';
import { listen } from '../../../test/harness/listen.ts';
import { WebSocketUser } from './web-socket-user.ts';

/** A user of a server that answers each message so; with the messages that it was sent, and its sockets. */
async function meet(answer: (socket: WebSocket) => void) {
  const messages: object[] = [];
  const http = createServer();
  const server = new WebSocketServer({ server: http, path: '/v1/chat/ws' });
  server.on('connection', (socket, { headers }) => {
    if (headers.authorization !== 'Bearer secret') return socket.close();
    return socket.on('message', (data) => {
      messages.push(JSON.parse(String(data)));
      answer(socket);
    });
  });
  onTestFinished(() => void http.close());
  const user = new WebSocketUser(new URL(`http://127.0.0.1:${await listen(http)}`), 'secret');
  onTestFinished(() => user.close());
  return { user, messages, sockets: server.clients };
}

const say = (socket: WebSocket, frame: object): void => socket.send(JSON.stringify(frame));

test('a user talks in one session over one socket, until it is closed', async () => {
  const { user, messages, sockets } = await meet((socket) => {
    say(socket, { type: 'turn.started', session_id: 'a' });
    say(socket, { type: 'turn.completed' });
  });
  await user.do();
  await user.do();
  const message = { type: 'message', content: 'Hello from the load test' };
  expect(messages).toEqual([
    { ...message, client_id: 'load-0' },
    { ...message, client_id: 'load-1', session_id: 'a' },
  ]);
  expect(sockets.size).toBe(1);
  await user.close();
  await expect.poll(() => sockets.size).toBe(0);
});

test('what the server says went wrong is an error of its code', async () => {
  const { user } = await meet((socket) => say(socket, { type: 'error', error: { code: 'limits.requests_exceeded' } }));
  await expect(user.do()).rejects.toThrow(/^limits\.requests_exceeded$/);
});

test('a socket that is closed before the end of a turn is an error; the next message takes a new one', async () => {
  let isLeaving = true;
  const { user, messages } = await meet((socket) => {
    if (isLeaving) socket.close();
    else say(socket, { type: 'turn.completed' });
    isLeaving = false;
  });
  await expect(user.do()).rejects.toThrow(/^the WebSocket was closed$/);
  await user.do();
  expect(messages).toHaveLength(2);
});

test('a server that is not there is an error of its code', async () => {
  const user = new WebSocketUser(new URL('http://127.0.0.1:1'), 'secret');
  await expect(user.do()).rejects.toThrow(/^ECONNREFUSED$/);
});
