import { newId } from '../../base/ids.ts';
import { inBackground } from '../../base/in-background.ts';
import type { Logger } from '../../platform/log/index.ts';
import type { Database } from '../../platform/postgres/index.ts';
import { deleteOldIdempotencyKeys } from './queries.ts';

/** Keys forgotten by one statement: few enough that it is over in a moment. */
const batchLimit = 1_000;

/** How often old keys are looked for, in milliseconds. This keeps up with 2,000 keys a second. */
const intervalMs = 500;

/** How long to rest when there was less than a batch, in milliseconds. */
const restMs = 60_000;

const budgetMs = 5_000;

/** What forgetting old keys needs. */
export interface IdempotencyCleanerOptions {
  readonly database: Database;
  readonly log: Logger;
}

/** Forgets the Idempotency-Keys of yesterday, a batch at a time. Several servers share the work. */
export class IdempotencyCleaner {
  readonly #options: IdempotencyCleanerOptions;
  #timer: NodeJS.Timeout | undefined;
  #cleaning: Promise<void> | undefined;
  #stopped = false;

  constructor(options: IdempotencyCleanerOptions) {
    this.#options = options;
  }

  /** Starts; the first look comes after a rest, so that a start is quick. */
  start(): void {
    this.#wait(restMs);
  }

  /** Stops, after the batch that is under way. */
  async stop(): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#timer);
    await this.#cleaning;
  }

  /** Forgets one batch. Answers how many keys it held. */
  async clean(): Promise<number> {
    const statement = deleteOldIdempotencyKeys({ limit: batchLimit });
    const rows = await inBackground({ requestId: newId(), budgetMs }, (context) =>
      this.#options.database.query(statement, context),
    );
    return rows.length;
  }

  #wait(durationMs: number): void {
    if (this.#stopped) return;
    this.#timer = setTimeout(() => {
      this.#cleaning = this.#cleanQuietly();
    }, durationMs).unref();
  }

  async #cleanQuietly(): Promise<void> {
    let count = 0;
    try {
      count = await this.clean();
    } catch (error) {
      this.#options.log.warn({ err: error }, 'could not forget old Idempotency-Keys');
    }
    this.#wait(count === batchLimit ? intervalMs : restMs);
  }
}
