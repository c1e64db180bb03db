import { connect, type Socket } from 'node:net';
import { AnswerReader } from './answer-reader.ts';
import type { LoadRequest } from './plan.ts';

/** A request in the bytes that it is sent in, but for the ETag. */
interface PreparedRequest {
  readonly head: string;
  readonly body: string;
  readonly isConditional: boolean;
  readonly expectedStatus: number;
}

/** What a client tells of its requests. */
export interface ClientEvents {
  /** The answer of the request that was sent at `sentAtMs` (the time it was given) came, with an expected status or not. */
  onAnswer(client: Client, outcome: { sentAtMs: number; error?: string }): void;
}

/** All sockets read into the same memory: an answer is done with before the next is read. */
const receiveBuffer = Buffer.allocUnsafe(64 * 1024);

function prepare(request: LoadRequest): PreparedRequest {
  const body = request.body === undefined ? '' : JSON.stringify(request.body);
  const headers: Record<string, string> = { host: '127.0.0.1', ...request.headers };
  if (body !== '') {
    headers['content-type'] = 'application/json';
    headers['content-length'] = String(Buffer.byteLength(body));
  }
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  return {
    head: `${request.method} ${request.path} HTTP/1.1\r\n${lines.join('')}`,
    body,
    isConditional: request.isConditional ?? false,
    expectedStatus: request.expectedStatus,
  };
}

/** One connection of the load generator: kept alive, one request at a time, connected again when the server ends it. */
export class Client {
  readonly #port: number;
  readonly #requests: readonly PreparedRequest[];
  readonly #events: ClientEvents;
  #reader = new AnswerReader();
  #socket: Socket | undefined;
  #next: number;
  #sentAtMs = Number.NaN;
  #expectedStatus = 0;

  constructor(
    port: number,
    requests: readonly LoadRequest[],
    events: ClientEvents & { readonly firstRequest: number },
  ) {
    this.#port = port;
    this.#requests = requests.map(prepare);
    this.#events = events;
    this.#next = events.firstRequest % requests.length;
  }

  /** Whether an answer is due. */
  get isWaiting(): boolean {
    return !Number.isNaN(this.#sentAtMs);
  }

  connect(): Promise<void> {
    const onread = {
      buffer: receiveBuffer,
      callback: (byteCount: number) => {
        if (this.#reader.read(receiveBuffer.subarray(0, byteCount))) this.#finish();
        return true;
      },
    };
    return new Promise((resolve, reject) => {
      const socket = connect({ host: '127.0.0.1', port: this.#port, noDelay: true, onread });
      let trouble = 'refused';
      this.#socket = socket;
      socket.once('error', reject);
      socket.once('connect', () => {
        trouble = 'reset';
        resolve();
      });
      socket.once('close', () => {
        if (this.#socket !== socket) return;
        this.#reader = new AnswerReader();
        this.#socket = undefined;
        if (this.isWaiting) this.#finish(trouble);
      });
    });
  }

  /** Sends the next request; its time counts from `sentAtMs`. */
  send(sentAtMs: number): void {
    this.#sentAtMs = sentAtMs;
    const request = this.#requests[this.#next];
    if (request === undefined) throw new Error('A connection of the plan has no requests.');
    this.#next = (this.#next + 1) % this.#requests.length;
    const etag = request.isConditional ? this.#reader.etag : undefined;
    this.#expectedStatus = request.isConditional && etag === undefined ? 200 : request.expectedStatus;
    const condition = etag === undefined ? '' : `if-none-match: ${etag}\r\n`;
    const bytes = `${request.head}${condition}\r\n${request.body}`;
    if (this.#socket !== undefined) this.#socket.write(bytes);
    else
      this.connect().then(
        () => this.#socket?.write(bytes),
        // Told when the socket closes, until which it takes no other request.
        () => {},
      );
  }

  close(): void {
    const socket = this.#socket;
    this.#socket = undefined;
    socket?.destroy();
  }

  #finish(error?: string): void {
    const sentAtMs = this.#sentAtMs;
    this.#sentAtMs = Number.NaN;
    const { status } = this.#reader;
    const wrong = error ?? (status === this.#expectedStatus ? undefined : `status ${status}`);
    this.#events.onAnswer(this, wrong === undefined ? { sentAtMs } : { sentAtMs, error: wrong });
  }
}
