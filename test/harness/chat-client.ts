import { once } from 'node:events';
import { type ClientOptions, WebSocket } from 'ws';

/** A frame of the server. */
// biome-ignore lint/suspicious/noExplicitAny: each kind of frame has fields of its own, which tests name.
export type OutFrame = Record<string, any> & { type: string };

/** A client on a WebSocket of the product, and all that it was sent so far. */
export interface ChatClient {
  readonly socket: WebSocket;
  readonly frames: OutFrame[];
  send(frame: object): void;
  /** The first frame, come or to come, that matches; rejects when the connection closes without it. */
  until(matches: (frame: OutFrame) => boolean): Promise<OutFrame>;
  /** The number by which the server closed. */
  closed(): Promise<number>;
}

/** Connects to the WebSocket of the product at this URL. Rejects when the product refuses. */
export async function connectChat(url: string, options: ClientOptions = {}): Promise<ChatClient> {
  const socket = new WebSocket(`${url.replace(/^http/, 'ws')}/v1/chat/ws`, options);
  const frames: OutFrame[] = [];
  socket.on('message', (data) => {
    frames.push(JSON.parse(String(data)));
    socket.emit('frame');
  });
  socket.on('error', () => {});
  const closing = new Promise<number>((resolve) => {
    socket.once('close', (code) => {
      resolve(code);
      socket.emit('frame');
    });
  });
  await once(socket, 'open');
  return {
    socket,
    frames,
    send: (frame) => socket.send(JSON.stringify(frame)),
    async until(matches) {
      for (;;) {
        const found = frames.find(matches);
        if (found !== undefined) return found;
        if (socket.readyState === WebSocket.CLOSED) throw new Error(`closed after ${JSON.stringify(frames)}`);
        await once(socket, 'frame');
      }
    },
    closed: () => closing,
  };
}
