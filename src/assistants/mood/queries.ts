import { type OnceRow, type Owned, type Repeatable, sql } from '../../kit/index.ts';

/** An entry, as stored. */
export interface EntryRow {
  id: string;
  mood_text: string;
  mood: string;
  score: number;
  confidence: number;
  language: string;
  source: string;
  felt_at: Date;
  created_at: Date;
}

/** An entry to be stored, once by its key if it has one. */
export interface NewEntry extends Owned, Repeatable {
  id: string;
  moodText: string;
  mood: string;
  score: number;
  confidence: number;
  language: string;
  source: string;
  feltAt: Date;
  /** Whether the model is to read it again later. */
  isToReread: boolean;
}

/**
 * Stores entries, each with the record of its Idempotency-Key and, where the model is to read it again, the job for that
 * in an hour. One row each: of an input whose key was used before, the entry as it was stored then. Index:
 * idempotency_keys_pkey.
 */
export const insertEntries = (rows: readonly NewEntry[]) => sql<
  OnceRow & { job_id: number | null; told: string | null }
>`
  -- mood.insert_entries
  with input as (
    select *, coalesce('key ' || idempotency_key, 'row ' || i) as work from unnest(
      ${rows.map((row) => row.userId)}::uuid[], ${rows.map((row) => row.id)}::uuid[],
      ${rows.map((row) => row.moodText)}::text[], ${rows.map((row) => row.mood)}::text[],
      ${rows.map((row) => row.score)}::double precision[], ${rows.map((row) => row.confidence)}::double precision[],
      ${rows.map((row) => row.language)}::text[], ${rows.map((row) => row.source)}::text[],
      ${rows.map((row) => row.feltAt)}::timestamptz[], ${rows.map((row) => row.isToReread)}::boolean[],
      ${rows.map((row) => row.idempotencyKey)}::text[], ${rows.map((row) => row.fingerprint)}::bytea[]
    ) with ordinality as input (
      user_id, id, mood_text, mood, score, confidence, language, source, felt_at, is_to_reread, idempotency_key,
      fingerprint, i
    )
  ), known as (
    select input.i, k.fingerprint, k.answer
    from input cross join lateral (
      select fingerprint, answer from idempotency_keys
      where user_id = input.user_id and key = input.idempotency_key
      limit 1
    ) k
  ), fresh as (
    select distinct on (user_id, work) input.* from input
    where input.i <> all (array(select i from known))
    order by user_id, work, i
  ), created as (
    insert into mood.entries (user_id, id, mood_text, mood, score, confidence, language, source, felt_at)
    select user_id, id, mood_text, mood, score, confidence, language, source, felt_at from fresh
    returning user_id, id, mood_text, mood, score, confidence, language, source, felt_at, created_at
  ), answered as (
    select fresh.user_id, fresh.id, fresh.work, fresh.i, fresh.is_to_reread, fresh.idempotency_key, fresh.fingerprint,
      to_jsonb(created) - 'user_id' as answer
    from fresh join created on created.user_id = fresh.user_id and created.id = fresh.id
  ), remembered as (
    insert into idempotency_keys (user_id, key, fingerprint, answer)
    select user_id, idempotency_key, fingerprint, answer from answered where idempotency_key is not null
  ), unread as materialized (
    select user_id, id from answered where is_to_reread
  ), enqueued as (
    select unread.id, job.id as job_id
    from unread, graphile_worker.add_job(
      'mood.reread_entry', json_build_object('user_id', unread.user_id, 'id', unread.id, 'attempt', 1),
      run_at => now() + interval '1 hour', priority => 10
    ) as job
  )
  select input.i::integer as i, coalesce(known.answer, answered.answer) as answer,
    answered.i is distinct from input.i as replayed,
    coalesce(known.fingerprint, answered.fingerprint) = input.fingerprint as is_same,
    enqueued.job_id, pg_notify('evenkeel_assistants', 'mood:' || input.user_id)::text as told
  from input
  left join known on known.i = input.i
  left join answered on answered.user_id = input.user_id and answered.work = input.work
  left join enqueued on enqueued.id = answered.id`;

/** Which entries are asked for; null leaves a condition out. */
export interface EntryQuery extends Owned {
  /** Only what was felt at this time or later. */
  from: Date | null;
  /** Only what was felt earlier. */
  to: Date | null;
  /** The place after which the page begins. */
  afterFeltAt: Date | null;
  afterId: string | null;
  offset: number;
  limit: number;
}

/** A page of entries, the latest first. Index: entries_felt. At most `limit` rows; reads `offset` more. */
export const listEntries = (p: EntryQuery) => sql<EntryRow>`
  -- mood.list_entries
  select id, mood_text, mood, score, confidence, language, source, felt_at, created_at
  from mood.entries
  where user_id = ${p.userId}::uuid
    and felt_at >= coalesce(${p.from}::timestamptz, '-infinity') and felt_at < coalesce(${p.to}::timestamptz, 'infinity')
    and (felt_at, id) < (coalesce(${p.afterFeltAt}::timestamptz, 'infinity'),
      coalesce(${p.afterId}::uuid, 'ffffffff-ffff-ffff-ffff-ffffffffffff'))
  order by felt_at desc, id desc
  limit ${p.limit}::integer offset ${p.offset}::integer`;

/**
 * The mood of each day (UTC) on which something was felt: the mean of the `read` entries, those whose words told of a mood;
 * null without any. Index: entries_felt. At most 366 rows.
 */
export const readTrend = (p: Owned & { from: Date; to: Date }) => sql<{
  day: string | null;
  entries: number;
  read: number;
  score: number | null;
}>`
  -- mood.read_trend
  select (felt_at at time zone 'UTC')::date as day, count(*)::integer as entries,
    count(*) filter (where confidence > 0)::integer as read,
    avg(score) filter (where confidence > 0)::double precision as score
  from mood.entries
  where user_id = ${p.userId}::uuid and felt_at >= ${p.from}::timestamptz and felt_at < ${p.to}::timestamptz
  group by day
  order by day
  limit 366`;

/** The text of an entry that no model has read. Index: entries_pkey. One row or none. */
export const findUnread = (p: Owned & { id: string }) => sql<{ mood_text: string }>`
  -- mood.find_unread
  select mood_text from mood.entries
  where user_id = ${p.userId}::uuid and id = ${p.id}::uuid and source = 'lexicon'`;

/** What a model read in an entry of the lexicon. */
export interface NewReading extends Owned {
  id: string;
  mood: string;
  score: number;
  confidence: number;
  language: string;
}

/** Stores what a model read, unless one has read the entry already. Index: entries_pkey. One row or none. */
export const storeReading = (p: NewReading) => sql<{ id: string; told: string | null }>`
  -- mood.store_reading
  update mood.entries
  set mood = ${p.mood}, score = ${p.score}, confidence = ${p.confidence}, language = ${p.language}, source = 'model'
  where user_id = ${p.userId}::uuid and id = ${p.id}::uuid and source = 'lexicon'
  returning id, pg_notify('evenkeel_assistants', 'mood:' || user_id)::text as told`;

/** Has an entry read again in some hours; in vain enqueued twice, it is done once. One row. */
export const postponeReading = (p: Owned & { id: string; attempt: number; hours: number }) => sql<{
  job_id: number | null;
}>`
  -- mood.postpone_reading
  select job.id as job_id
  from graphile_worker.add_job(
    'mood.reread_entry',
    json_build_object('user_id', ${p.userId}::uuid, 'id', ${p.id}::uuid, 'attempt', ${p.attempt}::integer),
    run_at => now() + make_interval(hours => ${p.hours}::integer),
    job_key => 'mood.reread_entry ' || ${p.id}::uuid, priority => 10
  ) as job`;

/** Deletes some of a user's entries, and tells it once. Index: entries_felt. A row for each, at most `limit`. */
export const deleteEntries = (p: Owned & { limit: number }) => sql<{ id: string; told: string | null }>`
  -- mood.delete_entries
  delete from mood.entries
  where user_id = ${p.userId}::uuid and (felt_at, id) >= (
    select felt_at, id from (
      select felt_at, id from mood.entries where user_id = ${p.userId}::uuid
      -- As that index has them, and a number that the planner does not see: it would sort all rows of a user who it thinks has
      -- few, for each page.
      order by felt_at desc, id desc
      limit (select ${p.limit}::integer)
    ) page
    order by felt_at, id
    limit 1
  )
  returning id, (select pg_notify('evenkeel_assistants', 'mood:' || ${p.userId}::uuid)::text) as told`;
