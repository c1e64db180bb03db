import type { Static, TSchema } from 'typebox';
import type { CallContext } from '../../base/call-context.ts';
import { fits } from '../../base/schema-faults.ts';

/** A job as its feature declares it. */
export interface JobDefinition<Input extends TSchema> {
  /** `feature.verb_noun`: what `add_job` is given. */
  readonly name: string;
  readonly input: Input;
  /** Tries before it is set aside, at most 25: 10, over three hours. From try to try it waits 3, 7, 20, 55 … seconds. */
  readonly maxAttempts?: number;
  /** How long a try may take: 60,000. */
  readonly budgetMs?: number;
  /**
   * When to run it without being asked, with an empty payload: five fields as in a crontab, in UTC. With a minute and an
   * hour it is daily: a run that was missed within the last day, because no worker ran, is made up by the next that does.
   */
  readonly crontab?: string;
  /**
   * Does the work. The context's `requestId` is the job's id, its deadline the job's budget. At least once: a server that
   * dies has its jobs done again by another, so what this changes must be right also when it is done twice. A throw is
   * tried again later, unless it is `UnrecoverableError`; only the name or code of the error, or of the cause of such a
   * one, is kept.
   */
  run(payload: Static<Input>, context: CallContext): Promise<unknown>;
}

/** A job that workers know how to do. */
export interface Job {
  readonly name: string;
  readonly maxAttempts: number;
  readonly budgetMs: number;
  readonly crontab: string | undefined;
  /** Does it with the payload as it was enqueued. Throws InvalidPayload. */
  run(payload: unknown, context: CallContext): Promise<unknown>;
}

/** A payload is not what its job takes: it was enqueued wrongly, or by another version of the code. */
class InvalidPayload extends Error {
  override readonly name = 'InvalidPayload';
}

/** What `add_job` gives every job; a job of fewer tries is set aside by us. */
const MOST_ATTEMPTS = 25;

/**
 * Declares a job. It is enqueued in SQL, by the statement that writes what it is about, so that there is both or neither:
 *
 * ```sql
 * with note as (insert into notes … returning user_id, id)
 * select note.id, job.id as job_id
 * from note, graphile_worker.add_job('notes.index_note', json_build_object('user_id', note.user_id, 'id', note.id)) job
 * ```
 *
 * The main query must read the job's row: Postgres leaves out a CTE that only calls a function. A condition on what is
 * enqueued belongs into an earlier CTE, `as materialized`: Postgres may call the function first and filter after. Beside
 * what `input` says, a payload may have a `traceparent`, the W3C header of the request that enqueues it. The handler must be
 * given in `jobs` of `openJobs`. A job that waits for somebody else's server, such as a mail or a model, is enqueued with
 * `priority => 10`: it may keep a worker for long, so all others go before it.
 *
 * @throws RangeError for more tries than a job can have.
 */
export function defineJob<Input extends TSchema>(definition: JobDefinition<Input>): Job {
  const { name, input, maxAttempts = 10, budgetMs = 60_000, crontab } = definition;
  if (maxAttempts > MOST_ATTEMPTS)
    throw new RangeError(`The job ${name} asks for ${maxAttempts} tries; give it at most ${MOST_ATTEMPTS}.`);
  return {
    name,
    maxAttempts,
    budgetMs,
    crontab,
    async run(payload, context) {
      if (!fits(input, payload)) throw new InvalidPayload(`The payload of a job ${name} is not what it takes.`);
      return await definition.run(payload, context);
    },
  };
}
