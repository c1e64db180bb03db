import type { TurnEvent, TurnEventBody } from './turn-event.ts';

/** The events of one turn: written once, read by any number of readers, each from where it likes. */
export class TurnFeed {
  readonly #turnId: string;
  readonly #events: TurnEvent[] = [];
  readonly #waiting = new Set<() => void>();
  #ended = false;

  constructor(turnId: string) {
    this.#turnId = turnId;
  }

  /** How many events there are. */
  get length(): number {
    return this.#events.length;
  }

  /** Whether anyone waits for the next event. */
  get isRead(): boolean {
    return this.#waiting.size > 0;
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

  /**
   * The events after number `afterId`, those to come as they come, until the feed ends or the signal aborts. A reader who
   * has seen more than there is, because the turn's server died before it was stored, is still told how the turn ended. The
   * number of the error may be that of a piece of text which was never stored, so an error is told to whoever asks after it.
   */
  async *read(signal: AbortSignal, afterId = 0): AsyncGenerator<TurnEvent> {
    for (let next = afterId; !signal.aborted; next++) {
      while (next >= this.#events.length && !this.#ended && !signal.aborted) await this.#nextChange(signal);
      const event = this.#events[next];
      if (signal.aborted) return;
      if (event === undefined) {
        const last = this.#events.at(-1);
        const isUntold = last !== undefined && next === afterId && (next > last.id || last.type === 'error');
        if (isUntold) yield { ...last, id: afterId + 1 };
        return;
      }
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
