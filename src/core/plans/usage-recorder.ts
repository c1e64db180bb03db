import { setTimeout as sleep } from 'node:timers/promises';
import { toDay } from '../../base/days.ts';
import { newId } from '../../base/ids.ts';
import { inBackground } from '../../base/in-background.ts';
import type { Clock } from '../../base/time.ts';
import { type Logger, Trouble } from '../../platform/log/index.ts';
import type { Database, Statement } from '../../platform/postgres/index.ts';
import { addUsage, deleteWriter, type UsageRow } from './queries.ts';

/** What recording usage needs. */
export interface UsageRecorderOptions {
  readonly database: Database;
  readonly clock: Clock;
  readonly log: Logger;
}

/** What one answer of a model cost. */
export interface ModelUse {
  readonly userId: string;
  readonly model: string;
  readonly promptTokens: number;
  readonly completionTokens: number;
  /** How many requests it counts as; 0 for the rest of one that was counted in part. 1 when absent. */
  readonly requests?: number;
}

/** How long uses are gathered before they are stored, in milliseconds: what a crash loses, and how soon they are seen. */
const GATHER_MS = 200;
/** How soon a batch that could not be stored is tried again, in milliseconds. */
const RETRY_MS = 1_000;
/** Rows in one statement: few enough that it is over in a moment. */
const BATCH_LIMIT = 1_000;
/** Sums held while the database is away, of one user, day and model each; about 30 MB. Uses beyond that are only logged. */
const SUM_LIMIT = 100_000;
const BUDGET_MS = 5_000;
/**
 * How often a server that stops tries to store what is left. That takes four seconds, as long as a database takes to restart,
 * and ten more where every try runs out of time. Beyond that, the server would be killed before it has logged what is lost.
 */
const LAST_TRIES = 5;

/**
 * Adds up what models cost and stores the sums, soon and once: no answer waits for it. A batch whose outcome is unknown is
 * sent again as it was, under its number, by which the statement knows it.
 */
export class UsageRecorder {
  readonly #options: UsageRecorderOptions;
  readonly #trouble: Trouble;
  readonly #writer = newId();
  readonly #sums = new Map<string, UsageRow>();
  /** The batch that is being stored, until it is known that it was. */
  #batch: { number: number; rows: UsageRow[] } | undefined;
  #batches = 0;
  #timer: NodeJS.Timeout | undefined;
  #storing: Promise<void> | undefined;
  #isStopped = false;

  constructor(options: UsageRecorderOptions) {
    this.#options = options;
    this.#trouble = new Trouble(options.log, {
      begins: 'could not store usage yet; trying again',
      ends: 'usage is stored again',
    });
  }

  /** Notes what an answer cost; it counts for the day that it is now. */
  record({ userId, model, promptTokens, completionTokens, requests = 1 }: ModelUse): void {
    const day = toDay(this.#options.clock.now());
    const key = `${userId} ${day} ${model}`;
    const sum = this.#sums.get(key);
    if (sum !== undefined) {
      sum.requests += requests;
      sum.promptTokens += promptTokens;
      sum.completionTokens += completionTokens;
    } else if (this.#sums.size < SUM_LIMIT) {
      this.#sums.set(key, { userId, day, model, requests, promptTokens, completionTokens });
    } else {
      this.#tellLost({ userId, day, model, requests, promptTokens, completionTokens });
    }
    this.#storeIn(GATHER_MS);
  }

  /** Stores all that was recorded so far. @throws when the database does not; then nothing is lost. */
  async store(): Promise<void> {
    for (;;) {
      this.#batch ??= this.#takeBatch();
      if (this.#batch === undefined) return;
      const { number, rows } = this.#batch;
      await this.#query(addUsage({ writer: this.#writer, batch: number, rows }));
      this.#batch = undefined;
    }
  }

  /**
   * Stores what is left, trying for some seconds; then the log says what is lost, a batch whose outcome is unknown included.
   * Nothing may be recorded after it.
   */
  async stop(): Promise<void> {
    this.#isStopped = true;
    clearTimeout(this.#timer);
    await this.#storing;
    for (let left = LAST_TRIES - 1; !(await this.#storeQuietly()) && left > 0; left--) await sleep(RETRY_MS);
    // Nothing, where it was stored in the end.
    for (const lost of [...(this.#batch?.rows ?? []), ...this.#sums.values()]) this.#tellLost(lost);
    if (this.#batches > 0 && this.#batch === undefined) await this.#forgetWriter();
  }

  #takeBatch(): { number: number; rows: UsageRow[] } | undefined {
    if (this.#sums.size === 0) return undefined;
    const rows: UsageRow[] = [];
    for (const [key, row] of this.#sums) {
      if (rows.length === BATCH_LIMIT) break;
      rows.push(row);
      this.#sums.delete(key);
    }
    return { number: ++this.#batches, rows };
  }

  #storeIn(durationMs: number): void {
    if (this.#isStopped || this.#timer !== undefined) return;
    this.#timer = setTimeout(() => {
      this.#storing = this.#storeQuietly().then((isStored) => {
        this.#timer = undefined;
        if (!isStored) this.#storeIn(RETRY_MS);
        else if (this.#sums.size > 0) this.#storeIn(GATHER_MS);
      });
    }, durationMs).unref();
  }

  async #storeQuietly(): Promise<boolean> {
    try {
      await this.store();
      this.#trouble.succeeded();
      return true;
    } catch (error) {
      this.#trouble.failed({ err: error });
      return false;
    }
  }

  #tellLost({ userId, ...use }: UsageRow): void {
    this.#options.log.error({ user_id: userId, ...use }, 'usage could not be kept');
  }

  async #forgetWriter(): Promise<void> {
    try {
      await this.#query(deleteWriter({ writer: this.#writer }));
    } catch (error) {
      this.#options.log.warn({ err: error }, 'could not tidy up after storing usage');
    }
  }

  async #query(statement: Statement<object>): Promise<void> {
    await inBackground({ budgetMs: BUDGET_MS }, (context) => this.#options.database.query(statement, context));
  }
}
