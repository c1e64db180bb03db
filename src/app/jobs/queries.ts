import type { Actor } from '../../core/accounts/index.ts';
import { sql } from '../../platform/postgres/index.ts';

/*
 * What operators do to jobs. In their activity the subject is the number of the job, which is no UUID, with zeros before it.
 */

/** Has a job that does not run start anew, now. One row or none. */
export const retryJob = (p: Actor & { id: number }) => sql<{ id: number | null }>`
  -- jobs.retry_job
  with retried as (
    select job.id
    from graphile_worker.reschedule_jobs(
      array[${p.id}::bigint], run_at => now(), attempts => 0, max_attempts => 25
    ) as job
  ), act as (
    insert into activity (user_id, id, kind, key_id, subject_id, ip)
    select ${p.userId}::uuid, ${p.activityId}::uuid, 'job.retried', ${p.keyId}::uuid, lpad(id::text, 32, '0')::uuid,
      ${p.ip}::inet
    from retried
  )
  select id from retried`;

/** Deletes a job that does not run. One row or none. */
export const deleteJob = (p: Actor & { id: number }) => sql<{ id: number | null }>`
  -- jobs.delete_job
  with deleted as (
    select job.id from graphile_worker.complete_jobs(array[${p.id}::bigint]) as job
  ), act as (
    insert into activity (user_id, id, kind, key_id, subject_id, ip)
    select ${p.userId}::uuid, ${p.activityId}::uuid, 'job.deleted', ${p.keyId}::uuid, lpad(id::text, 32, '0')::uuid,
      ${p.ip}::inet
    from deleted
  )
  select id from deleted`;
