import type { WebSocket } from '@fastify/websocket';
import { httpErrors } from './errors.ts';
import { toAppError, toWireError } from './wire-error.ts';

/**
 * What one connection may have waiting, in bytes. Less would drop readers who pause for a moment; more, times thousands
 * of connections, is memory that slow readers take from everyone.
 */
export const MAX_QUEUED_BYTES = 1024 * 1024;

/** With more than this waiting, in bytes, `send` has its caller wait; enough to keep a fast reader busy. */
const HIGH_WATER_BYTES = 128 * 1024;

/**
 * Frames from one client within a second; more is a flood. A person's client sends a few in a minute; a program that sends
 * what it has kept while it was away, some dozens at once.
 */
const MAX_FRAMES_PER_SECOND = 100;

/**
 * The same of their bytes: four of the largest frames. A hundred of those, each read as JSON before it is refused, would keep
 * the server's one thread busy for seconds, and all others waiting.
 */
const MAX_BYTES_PER_SECOND = 4 * 1024 * 1024;

const SECOND_MS = 1_000;

/** Why we close, as RFC 6455 numbers it. */
export const closeCodes = {
  goingAway: 1001,
  unsupportedData: 1003,
  policyViolation: 1008,
  tooLarge: 1009,
  tryAgainLater: 1013,
} as const;

/** Who is behind an open WebSocket, and hears what happens on it. */
export interface WebSocketUser {
  /** Whether the client waits for something. */
  readonly isBusy: boolean;
  /** A text frame came. */
  onFrame(bytes: Uint8Array): void;
  /** Half a minute has passed. */
  onHeartbeat(): void;
  /** The connection has ended. */
  onClosed(): void;
}

/**
 * An open WebSocket. What clients do wrong closes it: a flood with 1008, binary frames with 1003, frames over 1 MiB with 1009,
 * bad UTF-8 with 1007, reading too slowly with 1013.
 */
export class OpenWebSocket {
  readonly #socket: WebSocket;
  #user: WebSocketUser | undefined;
  #isLeaving = false;
  #isAlive = true;
  #secondEndsAtMs = 0;
  #framesInSecond = 0;
  #bytesInSecond = 0;

  constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.on('message', (data, isBinary) => this.#onMessage(data as Buffer, isBinary));
    socket.on('pong', () => {
      this.#isAlive = true;
    });
    socket.on('close', () => this.#user?.onClosed());
  }

  /** Has somebody hear what happens. */
  set user(user: WebSocketUser) {
    this.#user = user;
  }

  /** Whether frames can be sent. */
  get isOpen(): boolean {
    return this.#socket.readyState === this.#socket.OPEN;
  }

  /** Whether the server is being stopped: nothing new is to be begun. */
  get isLeaving(): boolean {
    return this.#isLeaving;
  }

  /** Sends a frame. Await what it returns, and a slow reader slows its source; undefined when the connection can take more. */
  send(frame: object): Promise<void> | undefined {
    const socket = this.#socket;
    if (!this.isOpen) return undefined;
    const text = JSON.stringify(frame);
    const queuedBytes = socket.bufferedAmount;
    // Before this frame: one alone may be longer, and would never be read.
    if (queuedBytes > MAX_QUEUED_BYTES) {
      socket.close(closeCodes.tryAgainLater, 'You read too slowly.');
      return undefined;
    }
    if (queuedBytes + text.length < HIGH_WATER_BYTES) {
      socket.send(text);
      return undefined;
    }
    return new Promise((resolve) => socket.send(text, () => resolve()));
  }

  /** Tells the client of an error in a frame of its own, with what else the frame is to say, and closes. */
  fail(thrown: unknown, code: number = closeCodes.goingAway, fields: object = {}): void {
    const error = toAppError(thrown);
    void this.send({ type: 'error', error: toWireError(error), ...fields });
    this.#socket.close(code, error.code);
  }

  /** Closes as soon as nothing is under way. */
  leave(): void {
    this.#isLeaving = true;
    this.closeWhenIdle();
  }

  /** To be called when something is no longer under way. */
  closeWhenIdle(): void {
    if (this.#isLeaving && this.#user?.isBusy !== true) this.fail(httpErrors.raise.shutting_down());
  }

  /** Ends the connection, whatever the client does. */
  cut(): void {
    this.#socket.terminate();
  }

  /** Asks for a sign of life; who has given none since the last time is gone. */
  ping(): void {
    if (this.#isAlive) {
      this.#isAlive = false;
      this.#socket.ping();
      this.#user?.onHeartbeat();
    } else this.cut();
  }

  #onMessage(bytes: Uint8Array, isBinary: boolean): void {
    // What was on its way when we closed.
    if (!this.isOpen) return;
    if (isBinary) this.#socket.close(closeCodes.unsupportedData, 'Send text frames of JSON.');
    else if (this.#isFlood(bytes.length)) this.#socket.close(closeCodes.policyViolation, 'Too much at once.');
    else this.#user?.onFrame(bytes);
  }

  #isFlood(frameBytes: number): boolean {
    const nowMs = performance.now();
    if (nowMs >= this.#secondEndsAtMs) {
      this.#secondEndsAtMs = nowMs + SECOND_MS;
      this.#framesInSecond = 0;
      this.#bytesInSecond = 0;
    }
    this.#framesInSecond += 1;
    this.#bytesInSecond += frameBytes;
    return this.#framesInSecond > MAX_FRAMES_PER_SECOND || this.#bytesInSecond > MAX_BYTES_PER_SECOND;
  }
}
