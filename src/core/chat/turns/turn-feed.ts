import type { WireError } from '../../../platform/http/index.ts';
import type { Message, Usage } from '../schemas.ts';

/** What happens in a turn, as its readers are told. */
export type TurnEventBody =
  | { type: 'turn.started'; session_id: string; message: Message }
  | { type: 'message.delta'; delta: string }
  | { type: 'message.completed'; message: Message }
  | { type: 'turn.completed'; usage: Usage | null }
  | { type: 'error'; error: WireError };

/** An event with its number within the turn, from 1. */
export type TurnEvent = { id: number; turn_id: string } & TurnEventBody;

/** The events of one turn: written once, read by any number of readers, each from where it likes. */
export class TurnFeed {
  readonly #turnId: string;
  readonly #events: TurnEvent[] = [];
  readonly #waiting = new Set<() => void>();
  #ended = false;

  constructor(turnId: string) {
    this.#turnId = turnId;
  }

  /** Adds an event and wakes the readers. */
  append(body: TurnEventBody): void {
    this.#events.push({ id: this.#events.length + 1, turn_id: this.#turnId, ...body });
    this.#wake();
  }

  /** Says that no event follows. */
  end(): void {
    this.#ended = true;
    this.#wake();
  }

  /** The events after number `afterId`, those to come as they come, until the feed ends or the signal aborts. */
  async *read(signal: AbortSignal, afterId = 0): AsyncGenerator<TurnEvent> {
    for (let next = afterId; !signal.aborted; next++) {
      while (next >= this.#events.length && !this.#ended && !signal.aborted) await this.#nextChange(signal);
      const event = this.#events[next];
      if (event === undefined || signal.aborted) return;
      yield event;
    }
  }

  #nextChange(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        this.#waiting.delete(done);
        signal.removeEventListener('abort', done);
        resolve();
      };
      this.#waiting.add(done);
      signal.addEventListener('abort', done, { once: true });
    });
  }

  #wake(): void {
    for (const resume of this.#waiting) resume();
  }
}
