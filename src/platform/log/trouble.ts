import type { Logger } from './create-logger.ts';

/**
 * What is tried again and again until it works. The log is told once when it begins to fail and once when it works again: a
 * line for each try would fill it while a database is away.
 */
export class Trouble {
  readonly #log: Logger;
  readonly #texts: { readonly begins: string; readonly ends: string };
  #isTold = false;

  constructor(log: Logger, texts: { readonly begins: string; readonly ends: string }) {
    this.#log = log;
    this.#texts = texts;
  }

  /** A try failed; `fields` say how. */
  failed(fields: object): void {
    if (!this.#isTold) this.#log.warn(fields, this.#texts.begins);
    this.#isTold = true;
  }

  /** A try did what it was to do. */
  succeeded(): void {
    if (this.#isTold) this.#log.info(this.#texts.ends);
    this.#isTold = false;
  }
}
