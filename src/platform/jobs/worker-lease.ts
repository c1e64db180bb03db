import { inBackground } from '../../base/in-background.ts';
import type { Logger } from '../log/index.ts';
import type { Database, Statement } from '../postgres/index.ts';
import { beat, forgetWorker } from './queries.ts';

/** What saying that a worker lives needs. */
export interface WorkerLeaseOptions {
  readonly database: Database;
  readonly log: Logger;
  readonly leaseMs: number;
  /** The ids of the jobs that this process has been given and may not have marked as done. */
  readonly listHeldJobs: () => string[];
}

/** Signs of life within a lease: so many may be lost before the worker counts as dead. */
const BEATS_PER_LEASE = 6;

/**
 * Says every few seconds that this process's workers live, and gives back the jobs of those that have not said so for a
 * lease: killed, frozen, or cut off; also those that this process was given without hearing of it. graphile-worker by itself
 * waits four hours.
 */
export class WorkerLease {
  readonly #options: WorkerLeaseOptions;
  #worker: string | undefined;
  #timer: NodeJS.Timeout | undefined;
  #beating: Promise<void> | undefined;

  constructor(options: WorkerLeaseOptions) {
    this.#options = options;
  }

  /** Speaks for a worker from now on, by the name under which it locks jobs. */
  start(worker: string): void {
    this.#worker = worker;
    this.#timer ??= setInterval(() => this.#beatSoon(), this.#options.leaseMs / BEATS_PER_LEASE).unref();
    this.#beatSoon();
  }

  /** Falls silent. The worker must have given its jobs back. */
  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await this.#beating;
    if (this.#worker !== undefined) await this.#say(forgetWorker({ worker: this.#worker }));
  }

  #beatSoon(): void {
    this.#beating ??= this.#beat().finally(() => {
      this.#beating = undefined;
    });
  }

  async #beat(): Promise<void> {
    const { log, leaseMs, listHeldJobs } = this.#options;
    if (this.#worker === undefined) return;
    const [answer] = (await this.#say(beat({ worker: this.#worker, leaseMs, heldJobs: listHeldJobs() }))) ?? [];
    if (answer !== undefined && answer.lost > 0) log.warn({ workers: answer.lost }, 'gave back jobs of dead workers');
  }

  async #say<Row>(statement: Statement<Row>): Promise<Row[] | undefined> {
    const { database, log, leaseMs } = this.#options;
    try {
      const budgetMs = leaseMs / BEATS_PER_LEASE;
      return await inBackground({ budgetMs }, (context) => database.query(statement, context));
    } catch (error) {
      log.warn({ err: error }, 'could not say that the job workers live');
      return undefined;
    }
  }
}
