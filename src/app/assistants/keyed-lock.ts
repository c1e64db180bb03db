import type { Deadline } from '../../base/deadline.ts';

/** Locks of this process, by name: while one works under a name, others wait, and come after it in their order. */
export class KeyedLock {
  readonly #last = new Map<string, Promise<void>>();

  /**
   * Does some work while nobody else works under this name.
   * @throws the deadline's reason when that ends while others work; what the work throws.
   */
  async run<Result>(name: string, deadline: Deadline, work: () => Promise<Result>): Promise<Result> {
    const before = this.#last.get(name);
    const own = Promise.withResolvers<void>();
    // Also those before: who waits no longer must not let those behind pass them.
    const both = Promise.all([before, own.promise]).then(() => {
      if (this.#last.get(name) === both) this.#last.delete(name);
    });
    this.#last.set(name, both);
    try {
      if (before !== undefined) await deadline.race(before);
      return await work();
    } finally {
      own.resolve();
    }
  }
}
