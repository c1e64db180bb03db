import { inBackground } from '../../base/in-background.ts';
import type { Clock } from '../../base/time.ts';
import type { Logger } from '../../platform/log/index.ts';
import type { Database } from '../../platform/postgres/index.ts';
import { type KeyUse, recordKeyUses } from './queries.ts';

/** How long a use stays in memory, in milliseconds: what a crash loses, and how seldom a busy key is written. */
const INTERVAL_MS = 60_000;

/** Keys in one statement: few enough that it is over in a moment. */
const BATCH_LIMIT = 1_000;

const BUDGET_MS = 5_000;

/** What recording the use of keys needs. */
export interface KeyUsesOptions {
  readonly database: Database;
  readonly clock: Clock;
  readonly log: Logger;
}

/** Notes when each key was last used, and stores that once a minute: no request waits for it or costs a statement. */
export class KeyUses {
  readonly #options: KeyUsesOptions;
  #uses = new Map<string, KeyUse>();
  #timer: NodeJS.Timeout | undefined;
  #storing: Promise<void> | undefined;

  constructor(options: KeyUsesOptions) {
    this.#options = options;
  }

  /** Notes that a key is used now. */
  note(userId: string, keyId: string): void {
    const usedAtMs = this.#options.clock.now().getTime();
    const known = this.#uses.get(keyId);
    if (known === undefined) this.#uses.set(keyId, { userId, keyId, usedAtMs });
    else known.usedAtMs = usedAtMs;
  }

  /** Starts storing. */
  start(): void {
    this.#timer = setInterval(() => {
      this.#storing = this.#storeQuietly();
    }, INTERVAL_MS).unref();
  }

  /** Stops, after what was noted is stored. */
  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await this.#storing;
    await this.#storeQuietly();
  }

  /** Stores what was noted so far. What cannot be stored is kept for the next time. */
  async store(): Promise<void> {
    const uses = [...this.#uses.values()];
    this.#uses = new Map();
    for (let from = 0; from < uses.length; from += BATCH_LIMIT) {
      const batch = uses.slice(from, from + BATCH_LIMIT);
      try {
        await inBackground({ budgetMs: BUDGET_MS }, (context) =>
          this.#options.database.query(recordKeyUses(batch), context),
        );
      } catch (error) {
        for (const use of uses.slice(from)) if (!this.#uses.has(use.keyId)) this.#uses.set(use.keyId, use);
        throw error;
      }
    }
  }

  async #storeQuietly(): Promise<void> {
    try {
      await this.store();
    } catch (error) {
      this.#options.log.warn({ err: error }, 'could not store when API keys were last used');
    }
  }
}
