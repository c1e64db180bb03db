import { once } from 'node:events';
import { createConnection, createServer, type Socket } from 'node:net';
import { parseArgs } from 'node:util';
import { listen } from '../test/harness/listen.ts';

/** Where a distance is put, and how far. */
export interface DistanceProxyOptions {
  readonly target: { readonly host: string; readonly port: number };
  /** What every byte takes each way, in milliseconds: half of what a round trip gets longer by. */
  readonly delayMs: number;
}

/** A TCP proxy on 127.0.0.1 behind which the target is far away. */
export interface DistanceProxy {
  readonly port: number;
  close(): Promise<void>;
}

/**
 * What may be under way in one direction before its sender is paused. At 50 ms it lets through 320 MB/s, more than
 * loopback carries through one process; without it a reader that stops would fill our memory.
 */
const UNDER_WAY_BYTES = 16 * 1024 * 1024;

/** Something that is under way: bytes, or the sender's end. */
interface Departure {
  readonly dueMs: number;
  readonly bytes: Buffer | 'end';
}

/** One direction of a connection: hands on what it was given, in order, each piece when it is due; one timer for all. */
class Lane {
  readonly #from: Socket;
  readonly #to: Socket;
  readonly #delayMs: number;
  readonly #underWay: Departure[] = [];
  #underWayBytes = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(from: Socket, to: Socket, delayMs: number) {
    this.#from = from;
    this.#to = to;
    this.#delayMs = delayMs;
    from.on('data', (bytes: Buffer) => this.#depart(bytes));
    from.on('end', () => this.#depart('end'));
    // A reset travels as fast as bytes; as on any network, what was not yet read may be lost to it.
    from.on('close', (hadError) => hadError && setTimeout(() => to.resetAndDestroy(), delayMs));
    from.on('error', () => {});
    to.on('drain', () => this.#arrive());
    to.on('close', () => this.#stop());
  }

  #depart(bytes: Buffer | 'end'): void {
    this.#underWay.push({ dueMs: performance.now() + this.#delayMs, bytes });
    this.#underWayBytes += bytes.length;
    if (this.#underWayBytes > UNDER_WAY_BYTES) this.#from.pause();
    if (this.#underWay.length === 1) this.#wait();
  }

  /** Until the first is due. A timer may fire up to a millisecond early, so `#arrive` looks again. */
  #wait(): void {
    const [first] = this.#underWay;
    if (first === undefined) return;
    const waitMs = Math.max(0, Math.ceil(first.dueMs - performance.now()));
    this.#timer = setTimeout(() => this.#arrive(), waitMs);
  }

  #arrive(): void {
    clearTimeout(this.#timer);
    const nowMs = performance.now();
    let count = 0;
    this.#to.cork();
    for (const { dueMs, bytes } of this.#underWay) {
      if (dueMs > nowMs || this.#to.writableNeedDrain) break;
      count++;
      this.#underWayBytes -= bytes.length;
      if (bytes === 'end') this.#to.end();
      else this.#to.write(bytes);
    }
    this.#to.uncork();
    this.#underWay.splice(0, count);
    if (this.#from.isPaused() && this.#underWayBytes <= UNDER_WAY_BYTES / 2) this.#from.resume();
    if (!this.#to.writableNeedDrain) this.#wait();
  }

  #stop(): void {
    clearTimeout(this.#timer);
    this.#underWay.length = 0;
  }
}

/** Puts a distance before a target: every byte takes `delayMs` each way, in order and at full throughput. */
export async function startDistanceProxy({ target, delayMs }: DistanceProxyOptions): Promise<DistanceProxy> {
  const sockets = new Set<Socket>();
  const options = { allowHalfOpen: true, noDelay: true };
  const server = createServer(options, (near) => {
    const far = createConnection({ ...target, ...options });
    for (const socket of [near, far]) {
      sockets.add(socket);
      socket.once('close', () => sockets.delete(socket));
    }
    new Lane(near, far, delayMs);
    new Lane(far, near, delayMs);
  });
  return {
    port: await listen(server),
    async close() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

if (import.meta.main) {
  const { values } = parseArgs({
    options: {
      host: { type: 'string', default: '127.0.0.1' },
      port: { type: 'string' },
      'delay-ms': { type: 'string', default: '50' },
    },
  });
  if (values.port === undefined)
    throw new Error('usage: node bench/distance.ts --port <port> [--host] [--delay-ms 50]');
  const target = { host: values.host, port: Number(values.port) };
  const proxy = await startDistanceProxy({ target, delayMs: Number(values['delay-ms']) });
  process.stdout.write(`${proxy.port}\n`);
}
