import type { Statement } from './statement.ts';

// A server takes memory for each; beyond that statements are planned at each run.
const MAX_NAMED_STATEMENTS = 250;

/** What a connection is sent of a statement beside its values. */
export interface SentStatement {
  readonly text: string;
  /** Absent where it is not prepared. */
  readonly name?: string;
}

/** What we know of a connection besides what pg knows. */
export class ConnectionState {
  readonly openedAtMs = performance.now();
  idleSinceMs = this.openedAtMs;
  isLost = false;
  readonly #names = new Set<string>();
  readonly #textMark: string;
  readonly #agedAtMs: number;

  /** Every text that is sent here ends with `textMark`. */
  constructor(maxAgeSeconds: number, textMark: string) {
    this.#textMark = textMark;
    // Those that are opened together are not to be closed together.
    this.#agedAtMs = this.openedAtMs + maxAgeSeconds * 1_000 * (0.75 + 0.25 * Math.random());
  }

  /** Whether its time is over. */
  get isAged(): boolean {
    return performance.now() >= this.#agedAtMs;
  }

  toSend({ name, text }: Statement<unknown>): SentStatement {
    const marked = text + this.#textMark;
    if (this.#names.size >= MAX_NAMED_STATEMENTS && !this.#names.has(name)) return { text: marked };
    this.#names.add(name);
    return { text: marked, name };
  }
}
