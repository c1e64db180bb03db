import { AppError } from '../../../base/errors.ts';
import { type OpenWebSocket, toAppError, toWireError } from '../../../platform/http/index.ts';
import { chatErrors } from '../errors.ts';
import type { TurnStart } from '../turns/start/turn-request.ts';
import type { TurnRunner } from '../turns/turn-runner.ts';

/** Turns whose events one socket may get at the same time: more than a person begins, few enough for the memory. */
const MAX_TURNS = 16;

/** A turn whose events a client gets. */
export interface FollowedTurn extends Pick<TurnStart, 'turn'> {
  /** The number of the last event that the client has seen. */
  readonly afterId: number;
  /** Of the frame that asked for it. */
  readonly clientId: string | undefined;
  /** What that frame took, and the client must have for as long as it gets the events. */
  readonly permission: string;
}

/** The turns whose events go out on one socket. */
export class FollowedTurns {
  readonly #socket: OpenWebSocket;
  readonly #turns: TurnRunner;
  readonly #followed = new Map<string, { readonly left: AbortController; readonly permission: string }>();
  /** Set while the connection can take no more, until it can: turns send in turn, or each would add an event to what waits. */
  #room: Promise<void> | undefined;

  constructor(socket: OpenWebSocket, turns: TurnRunner) {
    this.#socket = socket;
    this.#turns = turns;
  }

  /** How many there are. */
  get size(): number {
    return this.#followed.size;
  }

  /** @throws AppError 429 `chat.too_many_turns` when there is no room for one more. */
  checkRoom(): void {
    if (this.size >= MAX_TURNS) throw chatErrors.raise.too_many_turns();
  }

  /** Whether the events of a turn go out already. */
  has(turnId: string): boolean {
    return this.#followed.has(turnId);
  }

  /** Sends the events of a turn as they come, until it has ended. Never rejects. */
  async follow({ turn, afterId, clientId, permission }: FollowedTurn): Promise<void> {
    const { sessionId, turnId } = turn.key;
    if (!this.#socket.isOpen) return;
    const left = new AbortController();
    this.#followed.get(turnId)?.left.abort();
    this.#followed.set(turnId, { left, permission });
    try {
      this.#turns.follow(turn, left.signal);
      await turn.feed.read(left.signal, afterId, (event) =>
        this.#sendInTurn({ session_id: sessionId, client_id: clientId, ...event }, left.signal),
      );
      if (left.signal.reason instanceof AppError) throw left.signal.reason;
    } catch (error) {
      void this.#socket.send({
        type: 'error',
        error: toWireError(toAppError(error)),
        client_id: clientId,
        turn_id: turnId,
      });
    }
    left.abort();
    if (this.#followed.get(turnId)?.left === left) this.#followed.delete(turnId);
    this.#socket.closeWhenIdle();
  }

  /** Sends an event after those that wait, unless its reader has left by then. */
  #sendInTurn(event: object, left: AbortSignal): Promise<void> | undefined {
    const send = () => (left.aborted ? undefined : this.#socket.send(event));
    const sent = this.#room === undefined ? send() : this.#room.then(send);
    this.#room = sent;
    void sent?.then(() => {
      if (this.#room === sent) this.#room = undefined;
    });
    return sent;
  }

  /** Sends no more of those whose client may not have them any more, and says so. `authorize` throws an AppError for those. */
  recheck(authorize: (permission: string) => void): void {
    for (const { left, permission } of this.#followed.values()) {
      try {
        authorize(permission);
      } catch (error) {
        left.abort(error);
      }
    }
  }

  /** Sends no more of any. The turns themselves go on. */
  leave(): void {
    for (const { left } of this.#followed.values()) left.abort();
  }
}
