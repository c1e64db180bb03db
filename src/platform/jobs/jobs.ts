import { EventEmitter } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  type Job as HeldJob,
  type ParsedCronItem,
  parseCronItem,
  type Runner,
  run,
  type TaskList,
  type WorkerEvents,
  type WorkerPool,
} from 'graphile-worker';
import type pg from 'pg';
import type { CallContext } from '../../base/call-context.ts';
import { DAY_MS } from '../../base/days.ts';
import type { StartTrace } from '../../base/span.ts';
import { type Clock, systemClock } from '../../base/time.ts';
import type { Logger } from '../log/index.ts';
import type { Database } from '../postgres/index.ts';
import { graphileLog } from './graphile-log.ts';
import type { Job } from './job.ts';
import { type JobStats, readJobStats } from './queries.ts';
import { type JobObservation, toTask } from './to-task.ts';
import { WorkerLease } from './worker-lease.ts';
import { keepAwake, openWorkerPool, refuseReadOnly } from './worker-pool.ts';

/** Options of `openJobs`. */
export interface JobsOptions {
  readonly database: Database;
  /** Leads to the server itself, not to a transaction pooler: workers listen. */
  readonly directUrl: string;
  readonly jobs: readonly Job[];
  readonly log: Logger;
  readonly clock?: Clock;
  /** Jobs that this process does at the same time. */
  readonly concurrency: number;
  /** How long `stop` waits for the jobs that run; then they are cancelled, and tried again later. */
  readonly stopTimeoutMs: number;
  /** How long a worker may be silent before its jobs are given to others: 30,000. */
  readonly leaseMs?: number;
  /** Told of every try. */
  readonly onJob?: (observation: JobObservation) => void;
  /** Begins the trace of a try; absent where nobody traces. */
  readonly startTrace?: StartTrace | undefined;
}

/** Work for later, kept in Postgres. */
export interface Jobs {
  /** Starts to work on jobs, here. They can be enqueued without it. */
  start(): void;
  /** Takes no more jobs, and waits for those that run up to the bound. A second call joins the first. */
  stop(): Promise<void>;
  stats(context: CallContext): Promise<JobStats>;
}

/** Jobs are heard of at once; this is for those that were enqueued for later, and for when hearing fails. */
const POLL_INTERVAL_MS = 2_000;
const RESTART_PAUSE_MS = 2_000;
/** For marking the cancelled jobs and closing connections, after the bound of `stop` or after workers that ended by themselves. */
const STOP_MARGIN_MS = 3_000;

/** Opens the jobs of a process; connects to nothing before `start`. */
export function openJobs(options: JobsOptions): Jobs {
  const workers = new Workers(options);
  return {
    start: () => workers.start(),
    stop: () => workers.stop(),
    async stats(context) {
      const [row] = await options.database.query(readJobStats(), context);
      if (row === undefined) throw new Error('A select without a table answered no row.');
      return row;
    },
  };
}

/** Keeps graphile-worker's workers running: it ends them when the database is away for long. */
class Workers {
  readonly #options: JobsOptions;
  readonly #tasks: TaskList;
  readonly #events: WorkerEvents = new EventEmitter();
  readonly #lease: WorkerLease;
  readonly #stopping = new AbortController();
  #pool: pg.Pool | undefined;
  #runner: Runner | undefined;
  /** Resolves when the runner has had its time to tidy up after its workers. */
  #overdue = Promise.withResolvers<void>();
  #finished: Promise<void> | undefined;
  /** What the workers were given; each for a lease after it was done, by when it is marked so. */
  readonly #held = new Set<HeldJob>();
  /** Whether the workers have not been told yet which jobs there are, or that there is none. */
  #isUntold = false;
  #stopped: Promise<void> | undefined;

  constructor(options: JobsOptions) {
    const { jobs, database, log, clock = systemClock, onJob, startTrace, leaseMs = 30_000 } = options;
    this.#options = options;
    this.#tasks = Object.fromEntries(
      jobs.map((job) => [job.name, toTask(job, { database, log, clock, onJob, startTrace })]),
    );
    const listHeldJobs = () => [...this.#held].map(({ id }) => id);
    this.#lease = new WorkerLease({ database, log, leaseMs, listHeldJobs });
    this.#events.on('job:start', ({ job }) => this.#held.add(job));
    this.#events.on('job:complete', ({ job }) => void setTimeout(() => this.#held.delete(job), leaseMs).unref());
    this.#events.on('pool:create', ({ workerPool }) => this.#onBegin(workerPool));
    for (const told of ['worker:getJob:empty', 'job:start'] as const) {
      this.#events.on(told, () => {
        this.#isUntold = false;
      });
    }
    this.#events.on('worker:getJob:error', ({ worker }) => this.#onUntold(worker.workerPool));
    this.#events.on('pool:listen:success', ({ client }) => keepAwake(client));
    for (const ended of ['pool:gracefulShutdown:complete', 'pool:gracefulShutdown:error'] as const) {
      this.#events.on(ended, () => void setTimeout(this.#overdue.resolve, STOP_MARGIN_MS).unref());
    }
  }

  start(): void {
    this.#pool = openWorkerPool(this.#options.directUrl, this.#options.log, { verify: refuseReadOnly });
    this.#finished = this.#keepRunning(this.#pool);
  }

  stop(): Promise<void> {
    this.#stopped ??= this.#stop();
    return this.#stopped;
  }

  #onBegin(workerPool: WorkerPool): void {
    this.#isUntold = true;
    this.#held.clear();
    this.#lease.start(workerPool.id);
  }

  /**
   * Ends workers whose very first question failed, to be started anew. graphile-worker 0.18 keeps the answer to it, which jobs
   * they may do, also where it is an error: they would never do one.
   */
  #onUntold(workerPool: WorkerPool): void {
    if (!this.#isUntold || this.#stopping.signal.aborted) return;
    this.#isUntold = false;
    // When all of them have heard of it: one that is told so while it is being ended prints the error.
    setImmediate(() => Promise.resolve(workerPool.gracefulShutdown()).catch(() => undefined));
  }

  async #stop(): Promise<void> {
    if (this.#pool === undefined) return;
    this.#stopping.abort();
    const timer = new AbortController();
    const late = sleep(this.#options.stopTimeoutMs + STOP_MARGIN_MS, true, { signal: timer.signal }).catch(() => false);
    const isLate = await Promise.race([this.#end(this.#pool).then(() => false), late]);
    timer.abort();
    if (isLate) this.#options.log.warn('job workers did not stop in time; their jobs are given to others');
    else await this.#lease.stop();
  }

  async #end(pool: pg.Pool): Promise<void> {
    await this.#runner?.stop().catch(() => undefined);
    await this.#finished;
    await pool.end();
  }

  async #keepRunning(pgPool: pg.Pool): Promise<void> {
    const { log } = this.#options;
    while (!this.#stopping.signal.aborted) {
      this.#overdue = Promise.withResolvers();
      try {
        const runner = await this.#run(pgPool);
        this.#runner = runner;
        if (this.#stopping.signal.aborted) await runner.stop();
        await Promise.race([runner.promise, this.#giveUp(runner)]);
      } catch (error) {
        log.warn({ err: error }, 'the job workers ended; they are started again');
      }
      await sleep(RESTART_PAUSE_MS, undefined, { signal: this.#stopping.signal }).catch(() => undefined);
    }
  }

  /**
   * Ends a runner that is overdue. graphile-worker 0.18 miscounts the jobs that it could not mark as done, and may then wait for
   * ever for that, when its workers have long ended.
   */
  async #giveUp(runner: Runner): Promise<void> {
    await this.#overdue.promise;
    // One that ended by itself refuses.
    await runner.stop().catch(() => undefined);
  }

  #run(pgPool: pg.Pool): Promise<Runner> {
    const { jobs, concurrency, stopTimeoutMs, log } = this.#options;
    return run({
      pgPool,
      concurrency,
      pollInterval: POLL_INTERVAL_MS,
      gracefulShutdownAbortTimeout: stopTimeoutMs,
      noHandleSignals: true,
      logger: graphileLog(log),
      events: this.#events,
      // At once, and waited for when the workers stop; without these lines nobody waits, nor hears of a failure.
      preset: { worker: { completeJobBatchDelay: 0, failJobBatchDelay: 0 } },
      taskList: this.#tasks,
      parsedCronItems: jobs.flatMap(({ name, crontab }) => (crontab === undefined ? [] : [toCronItem(name, crontab)])),
    });
  }
}

/**
 * When a job runs without being asked. One that still waits, or failed, gives way to its successor. A daily one that was
 * missed is made up when a worker starts, until the next is due: a machine may be off each night. One of each minute is
 * not, which would be enqueued 1,440 times, and comes by itself in a moment.
 */
function toCronItem(task: string, match: string): ParsedCronItem {
  const isDaily = /^\d+ \d+ /.test(match);
  return parseCronItem({ task, match, options: { jobKey: task, backfillPeriod: isDaily ? DAY_MS : 0 } });
}
