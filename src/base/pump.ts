import { setImmediate as nextTurn } from 'node:timers/promises';

/** How many items are taken at most before everybody else has a turn: a few milliseconds of small ones. */
const ITEMS_PER_TURN = 256;

/** Deals with one item. No other follows until what it returns has resolved; undefined is at once. */
export type Take<Item> = (item: Item) => Promise<void> | undefined;

/**
 * Hands the items of a source that grows to whoever takes them: one after the other, each when the one before has been dealt
 * with.
 *
 * Between two items nothing is waiting, no promise and no generator, however many sources there are: what a thousand slow
 * streams keep for their next piece is what the garbage collector copies while everybody else waits.
 */
export class Pump<Item> {
  readonly #next: () => Item | undefined;
  readonly #take: Take<Item>;
  readonly #done = Promise.withResolvers<void>();
  #isRunning = false;
  #end: { readonly failure: Error | undefined } | undefined;
  #isOver = false;

  /** `next` gives the next item and goes on to the one after it; undefined while there is none. */
  constructor(next: () => Item | undefined, take: Take<Item>) {
    this.#next = next;
    this.#take = take;
  }

  /** Resolves when all is taken or taking was stopped; rejects with what `take` threw, or the source failed with. */
  get done(): Promise<void> {
    return this.#done.promise;
  }

  /** Says that there are more items. */
  run(): void {
    if (!this.#isRunning && !this.#isOver) void this.#run();
  }

  /** Says that no more items come than there are, and what the source failed with, if it did. */
  end(failure?: Error): void {
    this.#end = { failure };
    this.run();
  }

  /** Takes no more. */
  stop(): void {
    this.#isOver = true;
    this.#done.resolve();
  }

  /** Never rejects. */
  async #run(): Promise<void> {
    this.#isRunning = true;
    try {
      let items = 0;
      for (let item = this.#next(); item !== undefined; item = this.#next()) {
        const taken = this.#take(item);
        if (taken !== undefined) await taken;
        // What was waited for may have come in the same turn: a connection whose reader keeps up is drained at once.
        if (++items % ITEMS_PER_TURN === 0) await nextTurn();
        if (this.#isOver) return;
      }
      this.#isRunning = false;
      if (this.#end?.failure) throw this.#end.failure;
      if (this.#end) this.stop();
    } catch (error) {
      this.#isOver = true;
      this.#done.reject(error);
    }
  }
}
