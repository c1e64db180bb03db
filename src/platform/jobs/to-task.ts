import type { JobHelpers, Task } from 'graphile-worker';
import { Cancelled } from '../../base/deadline.ts';
import { inBackground } from '../../base/in-background.ts';
import type { StartTrace } from '../../base/span.ts';
import type { Clock } from '../../base/time.ts';
import { UnrecoverableError } from '../../base/unrecoverable-error.ts';
import { type Logger, Trouble } from '../log/index.ts';
import type { Database } from '../postgres/index.ts';
import { describeFailure } from './describe-failure.ts';
import type { Job } from './job.ts';
import { makeLastAttempt } from './queries.ts';

/** How one try of a job came out. A job that was `set_aside` is not tried again. */
export interface JobObservation {
  readonly name: string;
  readonly outcome: 'completed' | 'failed' | 'set_aside';
  readonly durationMs: number;
}

/** What running jobs needs. */
export interface TaskParts {
  readonly database: Database;
  readonly log: Logger;
  readonly clock: Clock;
  readonly startTrace: StartTrace | undefined;
  readonly onJob: ((observation: JobObservation) => void) | undefined;
}

/** For marking a job in the database, in milliseconds. */
const MARK_BUDGET_MS = 5_000;

/** Each of the last tries ended with the death of its worker, which may well be the job's doing. */
class WorkersDied extends Error {
  override readonly name = 'WorkersDied';
}

/**
 * A job as graphile-worker runs it: bounded in time, cancelled when the workers are stopped for good, set aside after its
 * own number of tries or where no other has hope, and with nothing but a code kept of an error.
 */
export function toTask(job: Job, parts: TaskParts): Task {
  const { log, clock, onJob, startTrace } = parts;
  // Where what the job needs is gone, each of a thousand that wait fails again and again.
  const trouble = new Trouble(log, {
    begins: 'a job failed and will be tried again; of more of its kind the level debug tells',
    ends: `jobs of the kind ${job.name} are done again`,
  });
  return async (payload, helpers) => {
    const { id, attempts: attempt } = helpers.job;
    const startedAtMs = clock.monotonicMs();
    const observe = (outcome: JobObservation['outcome']) =>
      onJob?.({ name: job.name, outcome, durationMs: clock.monotonicMs() - startedAtMs });
    try {
      if (attempt > job.maxAttempts) throw new WorkersDied('its worker died in every try');
      await runOnce(job, payload, { helpers, startTrace });
      trouble.succeeded();
      observe('completed');
    } catch (error) {
      const isLast = attempt >= job.maxAttempts || error instanceof UnrecoverableError;
      const fields = { job: job.name, jobId: id, attempt, err: error };
      if (isLast) {
        log.error(fields, 'a job failed for the last time and was set aside');
        await setAside(id, parts);
      } else {
        trouble.failed(fields);
        log.debug(fields, 'a job failed and will be tried again');
      }
      observe(isLast ? 'set_aside' : 'failed');
      throw new Error(describeFailure(error));
    }
  };
}

async function runOnce(
  job: Job,
  payload: unknown,
  { helpers, startTrace }: { helpers: JobHelpers; startTrace: StartTrace | undefined },
): Promise<void> {
  const { job: row, abortSignal } = helpers;
  // `_cron` is what graphile-worker puts into the payload of a job of a crontab.
  const { _cron, traceparent, ...input } = payload as Record<string, unknown>;
  const trace = startTrace?.(job.name, typeof traceparent === 'string' ? traceparent : undefined);
  await inBackground({ requestId: row.id, budgetMs: job.budgetMs, trace }, async (context) => {
    const stop = () => context.deadline.cancel(new Cancelled('the workers are being stopped'));
    abortSignal?.addEventListener('abort', stop);
    let isFailed = true;
    try {
      await context.deadline.race(job.run(input, context));
      isFailed = false;
    } finally {
      trace?.end({ isFailed });
      abortSignal?.removeEventListener('abort', stop);
    }
  });
}

/** When this cannot be written the job is tried once more than it should, and set aside then. */
async function setAside(id: string, { database, log }: TaskParts): Promise<void> {
  try {
    await inBackground({ budgetMs: MARK_BUDGET_MS }, (context) =>
      database.query(makeLastAttempt({ id: Number(id) }), context),
    );
  } catch (error) {
    log.warn({ err: error, jobId: id }, 'could not set a job aside');
  }
}
