import type { TurnEvent, TurnEventBody } from './turn-event.ts';

/** The events of one turn: written once, read by any number of readers, each from where it likes. */
export class TurnFeed {
  readonly #turnId: string;
  readonly #events: TurnEvent[] = [];
  /** What readers wait for who have read everything; absent while nobody does. */
  #change: PromiseWithResolvers<void> | undefined;
  #ended = false;

  constructor(turnId: string) {
    this.#turnId = turnId;
  }

  /** How many events there are. */
  get length(): number {
    return this.#events.length;
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
    // Once for all that is read: a listener for each event would cost more than the rest of it. It wakes other readers too,
    // who find nothing and wait on.
    const wake = (): void => this.#wake();
    signal.addEventListener('abort', wake);
    try {
      for (let next = afterId; !signal.aborted; next++) {
        while (next >= this.#events.length && !this.#ended && !signal.aborted) await this.#nextChange();
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
    } finally {
      signal.removeEventListener('abort', wake);
    }
  }

  #nextChange(): Promise<void> {
    this.#change ??= Promise.withResolvers();
    return this.#change.promise;
  }

  #wake(): void {
    this.#change?.resolve();
    this.#change = undefined;
  }
}
