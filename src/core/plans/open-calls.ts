/**
 * How many calls of models each user has under way in this process. One that a provider does not answer holds a connection
 * to it for a minute, and of those there are some thousand: without a bound one user could hold them all.
 */
export class OpenCalls {
  readonly #counts = new Map<string, number>();

  /** How many a user has. */
  of(userId: string): number {
    return this.#counts.get(userId) ?? 0;
  }

  /** Counts one more, until the answer is called, once or more often. Undefined, and nothing is counted, when that is too many. */
  tryOpen(userId: string, limit: number): (() => void) | undefined {
    const count = this.of(userId);
    if (count >= limit) return undefined;
    this.#counts.set(userId, count + 1);
    let isOpen = true;
    return () => {
      if (isOpen) this.#close(userId);
      isOpen = false;
    };
  }

  #close(userId: string): void {
    const count = this.of(userId) - 1;
    if (count > 0) this.#counts.set(userId, count);
    else this.#counts.delete(userId);
  }
}
