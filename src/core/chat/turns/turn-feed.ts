import { Pump, type Take } from '../../../base/pump.ts';
import type { TurnEvent, TurnEventBody } from './turn-event.ts';

/** The events of one turn: written once, read by any number of readers, each from where it likes. */
export class TurnFeed {
  readonly #turnId: string;
  readonly #events: TurnEvent[] = [];
  readonly #readers = new Set<Pump<TurnEvent>>();
  #ended = false;

  constructor(turnId: string) {
    this.#turnId = turnId;
  }

  /** How many events there are. */
  get length(): number {
    return this.#events.length;
  }

  /** Adds an event and has the readers take it. */
  append(body: TurnEventBody): void {
    this.#events.push({ id: this.#events.length + 1, turn_id: this.#turnId, ...body });
    for (const reader of this.#readers) reader.run();
  }

  /** Says that no event follows. */
  end(): void {
    this.#ended = true;
    for (const reader of this.#readers) reader.end();
  }

  /**
   * Has the events after number `afterId` taken, those to come as they come, until the feed ends or the signal aborts. A reader who
   * has seen more than there is, because the turn's server died before it was stored, is still told how the turn ended. The
   * number of the error may be that of a piece of text which was never stored, so an error is told to whoever asks after it.
   * @throws what `take` throws.
   */
  async read(signal: AbortSignal, afterId: number, take: Take<TurnEvent>): Promise<void> {
    let seen = afterId;
    const reader = new Pump(() => {
      const event = this.#events[seen] ?? (seen === afterId ? this.#findUntold(afterId) : undefined);
      if (event !== undefined) seen++;
      return event;
    }, take);
    const leave = (): void => reader.stop();
    signal.addEventListener('abort', leave);
    this.#readers.add(reader);
    if (signal.aborted) reader.stop();
    else if (this.#ended) reader.end();
    else reader.run();
    try {
      await reader.done;
    } finally {
      this.#readers.delete(reader);
      signal.removeEventListener('abort', leave);
    }
  }

  /** How the turn ended, for who has seen as many events as there are, or more. */
  #findUntold(afterId: number): TurnEvent | undefined {
    const last = this.#events.at(-1);
    if (!this.#ended || last === undefined) return undefined;
    return afterId > last.id || last.type === 'error' ? { ...last, id: afterId + 1 } : undefined;
  }
}
