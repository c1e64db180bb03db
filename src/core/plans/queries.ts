import { sql } from '../../platform/postgres/index.ts';
import type { Actor } from '../accounts/index.ts';

/**
 * Puts a user on a plan, and tells every server so; one who is on it already stays as before, and nobody is told. Index:
 * users_pkey. One row, or none of a user who is disabled meanwhile, or erased.
 */
export const updatePlan = (p: Actor & { plan: string }) => sql<{ auth_version: number; told: string | null }>`
  -- plans.update_plan
  with before as (
    select user_id, plan, auth_version from users
    where user_id = ${p.userId}::uuid and disabled_at is null
    for no key update
  ), changed as (
    update users u set plan = ${p.plan}, auth_version = u.auth_version + 1
    from before where u.user_id = before.user_id and before.plan <> ${p.plan}
    returning u.user_id, u.auth_version
  ), act as (
    insert into activity (user_id, id, kind, key_id, subject_id, ip)
    select user_id, ${p.activityId}::uuid, 'plan.changed', ${p.keyId}::uuid, user_id, ${p.ip}::inet from changed
  )
  select coalesce(changed.auth_version, before.auth_version) as auth_version,
    (select pg_notify('evenkeel_users', user_id || ':' || auth_version)::text from changed) as told
  from before left join changed on true`;

/** What was asked of one model by one user on one day. */
export interface UsageRow {
  userId: string;
  /** As `2026-11-22`, in UTC. */
  day: string;
  model: string;
  requests: number;
  promptTokens: number;
  completionTokens: number;
}

/**
 * Adds up usage, once for each batch of a writer however often it is sent; batches of a writer are numbered upwards. Users
 * who are gone are left out. Indexes: usage_days_pkey, usage_writers_pkey, users_pkey. A row for each that was added.
 */
export const addUsage = (p: { writer: string; batch: number; rows: readonly UsageRow[] }) => sql<{ user_id: string }>`
  -- plans.add_usage
  with input as (
    select * from unnest(
      ${p.rows.map((row) => row.userId)}::uuid[], ${p.rows.map((row) => row.day)}::date[],
      ${p.rows.map((row) => row.model)}::text[], ${p.rows.map((row) => row.requests)}::integer[],
      ${p.rows.map((row) => row.promptTokens)}::bigint[], ${p.rows.map((row) => row.completionTokens)}::bigint[]
    ) as input (user_id, day, model, requests, prompt_tokens, completion_tokens)
  ), writer as (
    insert into usage_writers (id, batch) values (${p.writer}::uuid, ${p.batch}::bigint)
    on conflict (id) do update set batch = excluded.batch, written_at = now() where usage_writers.batch < excluded.batch
    returning id
  )
  insert into usage_days (user_id, day, model, requests, prompt_tokens, completion_tokens)
  select u.user_id, input.day, input.model, input.requests, input.prompt_tokens, input.completion_tokens
  from writer, input cross join lateral (select user_id from users where user_id = input.user_id limit 1) u
  order by u.user_id, input.day, input.model
  on conflict (user_id, day, model) do update
  set requests = usage_days.requests + excluded.requests,
    prompt_tokens = usage_days.prompt_tokens + excluded.prompt_tokens,
    completion_tokens = usage_days.completion_tokens + excluded.completion_tokens
  returning user_id`;

/** Forgets a writer that writes no more. Index: usage_writers_pkey. One row or none. */
export const deleteWriter = (p: { writer: string }) => sql<{ id: string }>`
  -- plans.delete_writer
  delete from usage_writers where id = ${p.writer}::uuid returning id`;

/**
 * Forgets the writers that have not written for so many days; for the server's own use. Reads the table whole: it has a row
 * for each process that runs or was killed in that time. A row for each.
 */
export const deleteOldWriters = (p: { keptDays: number }) => sql<{ id: string }>`
  -- plans.delete_old_writers
  delete from usage_writers where written_at < now() - make_interval(days => ${p.keptDays}::integer) returning id`;

/**
 * A user's usage by day and model, with the sums of all of it in each row. Index: usage_days_pkey. At most 10,000 rows: a year
 * of 27 models.
 */
export const listUsage = (p: { userId: string; from: string; to: string }) => sql<{
  day: string | null;
  model: string;
  requests: number;
  prompt_tokens: number;
  completion_tokens: number;
  all_rows: number;
  all_requests: number | null;
  all_prompt_tokens: number | null;
  all_completion_tokens: number | null;
}>`
  -- plans.list_usage
  select to_char(day, 'YYYY-MM-DD')::text as day, model, requests, prompt_tokens, completion_tokens,
    (count(*) over ())::integer as all_rows,
    (sum(requests) over ())::bigint as all_requests,
    (sum(prompt_tokens) over ())::bigint as all_prompt_tokens,
    (sum(completion_tokens) over ())::bigint as all_completion_tokens
  from usage_days
  where user_id = ${p.userId}::uuid and day between ${p.from}::date and ${p.to}::date
  order by usage_days.day, model
  limit 10000`;

/** A user, and the first day of a month, as `2026-11-01`. */
export interface UserMonth {
  userId: string;
  from: string;
}

/**
 * What users have used since the first day of a month, and were given for referrals in that month; whose ids, which are UUIDv7,
 * are from then or, where a server's clock is behind, from a little before. Indexes: usage_days_pkey, rewards_pkey. A row each, of
 * as many as there were days and models, and rewards since then.
 */
export const sumTokens = (rows: readonly UserMonth[]) => sql<{
  i: number | null;
  tokens: number;
  given: number;
}>`
  -- plans.sum_tokens
  select input.i::integer as i, used.tokens, gifts.given
  from unnest(${rows.map((row) => row.userId)}::uuid[], ${rows.map((row) => row.from)}::date[])
    with ordinality as input (user_id, first_day, i)
  cross join lateral (
    select coalesce(sum(prompt_tokens + completion_tokens), 0)::bigint as tokens
    from usage_days d
    where d.user_id = input.user_id and d.day >= input.first_day
  ) used
  cross join lateral (
    select coalesce(sum(tokens), 0)::bigint as given
    from rewards r
    where r.user_id = input.user_id
      and r.id >= activity_first_id((input.first_day - interval '1 day') at time zone 'UTC')
      and r.created_at >= input.first_day::timestamp at time zone 'UTC'
      and r.created_at < (input.first_day + interval '1 month') at time zone 'UTC'
  ) gifts`;
