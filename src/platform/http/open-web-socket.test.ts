import { EventEmitter } from 'node:events';
import { expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { OpenWebSocket } from './open-web-socket.ts';

/** A connection whose client has not yet read that it is closed. */
class Connection extends EventEmitter {
  readonly OPEN = WebSocket.OPEN;
  readyState: number = WebSocket.OPEN;
  bufferedAmount = 0;
  send() {}
  close() {
    this.readyState = WebSocket.CLOSING;
  }
}

test('what was on its way when we closed is not heard', () => {
  const connection = new Connection();
  const socket = new OpenWebSocket(connection as never);
  const heard: string[] = [];
  socket.user = {
    isBusy: false,
    onFrame: (bytes) => heard.push(Buffer.from(bytes).toString()),
    onHeartbeat() {},
    onClosed() {},
  };
  connection.emit('message', Buffer.from('in time'), false);
  socket.fail(new Error('no more'));
  connection.emit('message', Buffer.from('late'), false);
  expect(heard).toEqual(['in time']);
});
