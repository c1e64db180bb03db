import { type Owned, type Repeatable, sql } from '../../kit/index.ts';

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
}

/**
 * Stores entries, each with the record of its Idempotency-Key. One row each: of an input whose key was used before, the
 * entry as it was stored then. Index: idempotency_keys_pkey.
 */
export const insertEntries = (rows: readonly NewEntry[]) => sql<{
  i: number | null;
  answer: unknown;
  replayed: boolean | null;
  is_same: boolean | null;
}>`
  -- mood.insert_entries
  with input as (
    select *, coalesce('key ' || idempotency_key, 'row ' || i) as work from unnest(
      ${rows.map((row) => row.userId)}::uuid[], ${rows.map((row) => row.id)}::uuid[],
      ${rows.map((row) => row.moodText)}::text[], ${rows.map((row) => row.mood)}::text[],
      ${rows.map((row) => row.score)}::double precision[], ${rows.map((row) => row.confidence)}::double precision[],
      ${rows.map((row) => row.language)}::text[], ${rows.map((row) => row.source)}::text[],
      ${rows.map((row) => row.feltAt)}::timestamptz[], ${rows.map((row) => row.idempotencyKey)}::text[],
      ${rows.map((row) => row.fingerprint)}::bytea[]
    ) with ordinality as input (
      user_id, id, mood_text, mood, score, confidence, language, source, felt_at, idempotency_key, fingerprint, i
    )
  ), known as (
    select input.i, k.fingerprint, k.answer
    from input join idempotency_keys k on k.user_id = input.user_id and k.key = input.idempotency_key
  ), fresh as (
    select distinct on (user_id, work) input.* from input
    where not exists (select from known where known.i = input.i)
    order by user_id, work, i
  ), created as (
    insert into mood.entries (user_id, id, mood_text, mood, score, confidence, language, source, felt_at)
    select user_id, id, mood_text, mood, score, confidence, language, source, felt_at from fresh
    returning user_id, id, mood_text, mood, score, confidence, language, source, felt_at, created_at
  ), answered as (
    select fresh.user_id, fresh.work, fresh.i, fresh.idempotency_key, fresh.fingerprint,
      to_jsonb(created) - 'user_id' as answer
    from fresh join created on created.user_id = fresh.user_id and created.id = fresh.id
  ), remembered as (
    insert into idempotency_keys (user_id, key, fingerprint, answer)
    select user_id, idempotency_key, fingerprint, answer from answered where idempotency_key is not null
  )
  select input.i::integer as i, coalesce(known.answer, answered.answer) as answer,
    answered.i is distinct from input.i as replayed,
    coalesce(known.fingerprint, answered.fingerprint) = input.fingerprint as is_same
  from input
  left join known on known.i = input.i
  left join answered on answered.user_id = input.user_id and answered.work = input.work`;

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

/** The mood of each day (UTC) on which something was felt. Index: entries_felt. At most 366 rows. */
export const readTrend = (p: Owned & { from: Date; to: Date }) => sql<{
  day: string | null;
  entries: number;
  score: number;
}>`
  -- mood.read_trend
  select (felt_at at time zone 'UTC')::date as day, count(*)::integer as entries, coalesce(avg(score), 0)::double precision as score
  from mood.entries
  where user_id = ${p.userId}::uuid and felt_at >= ${p.from}::timestamptz and felt_at < ${p.to}::timestamptz
  group by day
  order by day
  limit 366`;

/** Deletes all entries of a user. Index: entries_felt. A row for each. */
export const deleteEntries = (p: Owned) => sql<{ id: string }>`
  -- mood.delete_entries
  delete from mood.entries where user_id = ${p.userId}::uuid returning id`;
