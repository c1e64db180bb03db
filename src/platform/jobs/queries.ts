import { sql } from '../postgres/index.ts';

/** How many jobs there are, each counted up to 10,000. */
export interface JobStats {
  /** Due now or later. */
  waiting: number;
  running: number;
  /** Set aside after their attempts. */
  failed: number;
  /** For how long the next one has been due. */
  oldest_waiting_seconds: number;
}

/** A job that was set aside. Without its payload, which is a user's. */
export interface FailedJobRow {
  id: number;
  name: string;
  attempts: number;
  last_error: string | null;
  created_at: Date;
  failed_at: Date;
}

/**
 * Says that a worker lives, and gives back what workers have locked that do not. A worker that was itself cut off judges
 * nobody before its next sign of life. Frees queues too whose job is gone: a worker that came back after its lease deletes the job
 * that it has done, and whoever has it by now does not find it any more to free its queue with. And what this worker itself has
 * locked for so long without holding it: the reply was lost that was to tell it so. What was locked or said as far ahead of
 * now counts as old, too: then the clock was set back. And makes jobs due that a server whose clock is ahead has scheduled: the
 * next of their kind would be skipped until then, or take their place before they are due. Indexes: job_workers_pkey,
 * jobs_running, jobs_key_key1. One row: how many workers were found dead.
 */
export const beat = (p: { worker: string; leaseMs: number; heldJobs: readonly string[] }) => sql<{ lost: number }>`
  -- jobs.beat
  with lease as (
    select clock_timestamp() - length as since, clock_timestamp() + length as until
    from make_interval(secs => ${p.leaseMs}::double precision / 1000) length
  ), seen as (
    insert into job_workers (id, seen_at) values (${p.worker}::text, clock_timestamp())
    on conflict (id) do update set seen_at = excluded.seen_at
  ), lost as (
    select distinct j.locked_by as worker
    from lease, graphile_worker._private_jobs j
    where j.locked_at not between lease.since and lease.until
      and not exists (select from job_workers w where w.id = j.locked_by and w.seen_at between lease.since and lease.until)
      and exists (
        select from job_workers me where me.id = ${p.worker}::text and me.seen_at between lease.since and lease.until
      )
  ), untold as (
    update graphile_worker._private_jobs j set locked_at = null, locked_by = null
    from lease
    where j.locked_at not between lease.since and lease.until and j.locked_by = ${p.worker}::text
      and j.id <> all(${p.heldJobs}::bigint[])
  ), freed as (
    update graphile_worker._private_job_queues q set locked_at = null, locked_by = null
    from lease
    where q.locked_at not between lease.since and lease.until
      and not exists (
        select from graphile_worker._private_jobs j
        where j.locked_at is not null and j.job_queue_id = q.id and j.locked_by = q.locked_by
      )
      -- Those of dead workers are freed below.
      and not exists (select from lost where lost.worker = q.locked_by)
  ), early as (
    -- By less it does no harm: it is done before the next of its kind. What is made due here is scheduled once more by right clocks.
    update graphile_worker._private_known_crontabs set last_execution = clock_timestamp()
    where last_execution > clock_timestamp() + interval '30 seconds'
    returning identifier
  ), due as (
    update graphile_worker._private_jobs j set run_at = clock_timestamp()
    from early where j.key = early.identifier and j.run_at > clock_timestamp()
  ), forgotten as (
    delete from job_workers where seen_at < now() - interval '1 day' and id <> ${p.worker}::text
  )
  select count(lost.worker)::integer as lost
  from graphile_worker.force_unlock_workers(array(select worker from lost)) left join lost on true`;

/** Forgets a worker that has stopped and holds nothing. Of a table with a row for each process; at most one row. */
export const forgetWorker = (p: { worker: string }) => sql<{ id: string }>`
  -- jobs.forget_worker
  delete from job_workers where id = ${p.worker}::text returning id`;

/** Makes the try that is under way a job's last. Index: jobs_pkey1. At most one row. */
export const makeLastAttempt = (p: { id: number }) => sql<{ id: number }>`
  -- jobs.make_last_attempt
  update graphile_worker._private_jobs set max_attempts = greatest(attempts, 1)
  where id = ${p.id}::bigint
  returning id`;

/**
 * Sets aside jobs that have been due for a day and have none of these names, as after their last attempt. Indexes:
 * jobs_main_index, tasks_pkey, jobs_pkey1. At most `limit` rows.
 */
export const setAsideUnknown = (p: { names: readonly string[]; limit: number }) => sql<{ id: number }>`
  -- jobs.set_aside_unknown
  with unknown as (
    select j.id
    from graphile_worker._private_jobs j
    join graphile_worker._private_tasks t on t.id = j.task_id
    where j.is_available and j.run_at < now() - interval '1 day' and t.identifier <> all(${p.names}::text[])
    order by j.priority, j.run_at
    limit ${p.limit}::integer
  )
  update graphile_worker._private_jobs j
  set attempts = j.max_attempts, last_error = 'UnknownJob', updated_at = now()
  where j.id = any(array(select id from unknown)) and j.is_available
  returning j.id`;

/**
 * How many jobs wait, run and were set aside, each counted up to 10,000, and for how long the next one has been due.
 * Indexes: jobs_main_index, jobs_running, jobs_set_aside. One row.
 */
export const readJobStats = () => sql<JobStats>`
  -- jobs.read_job_stats
  select waiting.waiting, running.running, failed.failed, next.oldest_waiting_seconds
  from (
    select count(*)::integer as waiting
    from (
      select from graphile_worker._private_jobs where is_available order by priority, run_at limit 10000
    ) as jobs
  ) as waiting, (
    select count(*)::integer as running
    from (
      select from graphile_worker._private_jobs where locked_at is not null order by locked_at limit 10000
    ) as jobs
  ) as running, (
    select count(*)::integer as failed
    from (
      select from graphile_worker._private_jobs
      where attempts >= max_attempts and locked_at is null order by id limit 10000
    ) as jobs
  ) as failed, (
    select coalesce(extract(epoch from now() - max(jobs.run_at)), 0)::double precision as oldest_waiting_seconds
    from (
      select run_at from graphile_worker._private_jobs
      where is_available and run_at <= now() order by priority, run_at limit 1
    ) as jobs
  ) as next`;

/**
 * Jobs that were set aside after their attempts, newest first. Indexes: jobs_set_aside, tasks_pkey. At most `limit` rows.
 */
export const listFailedJobs = (p: { beforeId: number | null; limit: number }) => sql<FailedJobRow>`
  -- jobs.list_failed_jobs
  select j.id, t.identifier as name, j.attempts::integer as attempts, j.last_error, j.created_at,
    j.updated_at as failed_at
  from graphile_worker._private_jobs j
  join graphile_worker._private_tasks t on t.id = j.task_id
  where j.attempts >= j.max_attempts and j.locked_at is null
    and j.id < coalesce(${p.beforeId}::bigint, 9223372036854775807)
  order by j.id desc
  limit ${p.limit}::integer`;
