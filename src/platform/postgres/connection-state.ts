/** What we know of a connection besides what pg knows. */
export class ConnectionState {
  readonly openedAtMs = performance.now();
  idleSinceMs = this.openedAtMs;
  isLost = false;
  readonly statementNames = new Set<string>();
  readonly #agedAtMs: number;

  constructor(maxAgeSeconds: number) {
    // Those that are opened together are not to be closed together.
    this.#agedAtMs = this.openedAtMs + maxAgeSeconds * 1_000 * (0.75 + 0.25 * Math.random());
  }

  /** Whether its time is over. */
  get isAged(): boolean {
    return performance.now() >= this.#agedAtMs;
  }
}
