import { WebSocket } from 'ws';
import type { LoadUser } from './load-user.ts';

/** Longer than a turn may last: then the test counts it as unanswered. */
const ANSWER_MS = 60_000;

/** What the server says, as far as it is looked at. */
interface Frame {
  readonly type: string;
  readonly session_id?: string;
  readonly error?: { readonly code: string };
}

/** A user who talks over a WebSocket: sends messages, and waits for the end of each turn. */
export class WebSocketUser implements LoadUser {
  readonly #url: URL;
  readonly #headers: Record<string, string>;
  #socket: WebSocket | undefined;
  #sessionId: string | undefined;
  #sent = 0;

  constructor(url: URL, secret: string) {
    this.#url = new URL('/v1/chat/ws', url);
    this.#url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:';
    this.#headers = { authorization: `Bearer ${secret}` };
  }

  async do(): Promise<void> {
    this.#socket ??= await this.#connect();
    const end = await this.#send(this.#socket);
    if (end.type === 'error') throw new Error(end.error?.code ?? 'an error without a code');
  }

  async close(): Promise<void> {
    this.#socket?.terminate();
  }

  #connect(): Promise<WebSocket> {
    return new Promise((resolve, reject) => {
      const socket = new WebSocket(this.#url, { headers: this.#headers, handshakeTimeout: ANSWER_MS });
      socket.once('open', () => resolve(socket));
      socket.on('error', (error: NodeJS.ErrnoException) => reject(new Error(error.code ?? 'no WebSocket')));
      socket.once('close', () => {
        if (this.#socket === socket) this.#socket = undefined;
      });
    });
  }

  /** Sends a message; answers the frame that ends its turn. */
  #send(socket: WebSocket): Promise<Frame> {
    return new Promise((resolve, reject) => {
      const settle = (finish: () => void): void => {
        clearTimeout(timer);
        socket.off('message', onMessage).off('close', onClose);
        finish();
      };
      const onClose = (): void => settle(() => reject(new Error('the WebSocket was closed')));
      const timer = setTimeout(() => settle(() => reject(new Error('unanswered'))), ANSWER_MS);
      const onMessage = (data: Buffer): void => {
        const frame = JSON.parse(data.toString()) as Frame;
        this.#sessionId ??= frame.session_id;
        if (frame.type === 'turn.completed' || frame.type === 'error') settle(() => resolve(frame));
      };
      socket.on('message', onMessage).once('close', onClose);
      const session = this.#sessionId === undefined ? {} : { session_id: this.#sessionId };
      const message = { content: 'Hello from the load test', client_id: `load-${this.#sent++}`, ...session };
      socket.send(JSON.stringify({ type: 'message', ...message }));
    });
  }
}
