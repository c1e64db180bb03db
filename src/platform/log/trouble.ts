import type { Logger } from './create-logger.ts';

/** How often the log may be told that the same begins to fail, in milliseconds: what fails by turns would fill it, too. */
const TELL_EVERY_MS = 60_000;

/**
 * What is tried again and again until it works. The log is told once when it begins to fail and once when it works again: a
 * line for each try would fill it while a database is away. What fails again within a minute, and still does after it, is
 * told then.
 */
export class Trouble {
  readonly #log: Logger;
  readonly #texts: { readonly begins: string; readonly ends: string };
  #isTold = false;
  #toldMs = Number.NEGATIVE_INFINITY;

  constructor(log: Logger, texts: { readonly begins: string; readonly ends: string }) {
    this.#log = log;
    this.#texts = texts;
  }

  /** A try failed; `fields` say how. */
  failed(fields: object): void {
    const nowMs = performance.now();
    if (this.#isTold || nowMs - this.#toldMs < TELL_EVERY_MS) return;
    this.#isTold = true;
    this.#toldMs = nowMs;
    this.#log.warn(fields, this.#texts.begins);
  }

  /** A try did what it was to do. */
  succeeded(): void {
    if (this.#isTold) this.#log.info(this.#texts.ends);
    this.#isTold = false;
  }
}
