/** How long until something is looked at again of which it could not be told, in milliseconds. */
const LATER_MS = 2_000;

/** Does something about each of several things a while later: once for each, however often it is asked to meanwhile. */
export class Later<Thing> {
  readonly #act: (thing: Thing) => void;
  readonly #waiting = new Set<Thing>();

  constructor(act: (thing: Thing) => void) {
    this.#act = act;
  }

  /** Has it done after the delay. A process that has nothing else to do ends before. */
  add(thing: Thing): void {
    if (this.#waiting.has(thing)) return;
    this.#waiting.add(thing);
    setTimeout(() => {
      this.#waiting.delete(thing);
      this.#act(thing);
    }, LATER_MS).unref();
  }
}
