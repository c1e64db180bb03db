/** Something that can be asked for a sign of life. */
interface Pingable {
  ping(): void;
}

/** One round takes so many steps, so that thousands of pings do not hold up the event loop together. */
const STEPS = 30;

/**
 * How long a round takes, in milliseconds. A client that vanishes right after an answer is asked one round later and gone
 * after two: a minute.
 */
const ROUND_MS = 30_000;

/** Pings all that are open once in a round, by one timer, which runs while there are any. */
export class PingRounds {
  readonly #groups = Array.from({ length: STEPS }, () => new Set<Pingable>());
  #count = 0;
  #next = 0;
  #timer: NodeJS.Timeout | undefined;

  /** Begins to ping; what it returns ends that. */
  add(pingable: Pingable): () => void {
    // The group whose turn was last: it comes again after a whole round.
    const group = this.#groups[(this.#next + STEPS - 1) % STEPS] as Set<Pingable>;
    group.add(pingable);
    this.#count++;
    this.#timer ??= setInterval(() => this.#step(), ROUND_MS / STEPS).unref();
    return () => {
      group.delete(pingable);
      if (--this.#count > 0) return;
      clearInterval(this.#timer);
      this.#timer = undefined;
    };
  }

  #step(): void {
    const group = this.#groups[this.#next];
    this.#next = (this.#next + 1) % STEPS;
    for (const pingable of group ?? []) pingable.ping();
  }
}
