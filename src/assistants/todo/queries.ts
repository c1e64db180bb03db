import { type OnceRow, type Owned, type Repeatable, sql } from '../../kit/index.ts';

/** An item, as stored. */
export interface ItemRow {
  id: string;
  title: string;
  due_on: string | null;
  priority: string;
  done_at: Date | null;
  created_at: Date;
  updated_at: Date;
}

/** An item to be stored, once by its key if it has one. */
export interface NewItem extends Owned, Repeatable {
  id: string;
  title: string;
  dueOn: string | null;
  priority: string;
}

/**
 * Stores items, each with the record of its Idempotency-Key. One row each: of an input whose key was used before, the
 * item as it was stored then. Index: idempotency_keys_pkey.
 */
export const insertItems = (rows: readonly NewItem[]) => sql<OnceRow>`
  -- todo.insert_items
  with input as (
    select *, coalesce('key ' || idempotency_key, 'row ' || i) as work from unnest(
      ${rows.map((row) => row.userId)}::uuid[], ${rows.map((row) => row.id)}::uuid[],
      ${rows.map((row) => row.title)}::text[], ${rows.map((row) => row.dueOn)}::date[],
      ${rows.map((row) => row.priority)}::text[], ${rows.map((row) => row.idempotencyKey)}::text[],
      ${rows.map((row) => row.fingerprint)}::bytea[]
    ) with ordinality as input (user_id, id, title, due_on, priority, idempotency_key, fingerprint, i)
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
    insert into todo.items (user_id, id, title, due_on, priority)
    select user_id, id, title, due_on, priority from fresh
    returning user_id, id, title, due_on, priority, done_at, created_at, updated_at
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

/** Which items are asked for; null leaves a condition out. */
export interface ItemQuery extends Owned {
  isDone: boolean | null;
  /** Only items due on this day or later. */
  dueFrom: string | null;
  /** Only items due on this day or earlier. */
  dueTo: string | null;
  /** The place after which the page begins: a day, or `infinity`. */
  afterDueOn: string | null;
  afterId: string | null;
  limit: number;
}

/** A page of items, what is due first, those without a day last. Index: items_due. At most `limit` rows. */
export const listItems = (p: ItemQuery) => sql<ItemRow>`
  -- todo.list_items
  select id, title, due_on, priority, done_at, created_at, updated_at
  from todo.items
  where user_id = ${p.userId}::uuid
    and (coalesce(due_on, 'infinity'::date), id) > (coalesce(${p.afterDueOn}::date, '-infinity'),
      coalesce(${p.afterId}::uuid, '00000000-0000-0000-0000-000000000000'))
    and coalesce(due_on, 'infinity'::date) between coalesce(${p.dueFrom}::date, '-infinity')
      and coalesce(${p.dueTo}::date, 'infinity')
    and (${p.dueFrom}::date is null or due_on is not null)
    and (${p.isDone}::boolean is null or (done_at is not null) = ${p.isDone}::boolean)
  order by coalesce(due_on, 'infinity'::date), id
  limit ${p.limit}::integer`;

/**
 * Which one item is meant: by its id, or, among those not done, by words of its title. Of several with the very title
 * it is the one due first; without a day is last, then the oldest is first.
 */
export interface ItemChoice extends Owned {
  id: string | null;
  /** The title itself, as the user said it, whatever is in it; it wins over titles that only have the words. */
  title: string | null;
  /** The title with the day in it, in case that is part of it: "prepare for Monday". It wins over all, whatever the day. */
  fullTitle: string | null;
  /** A regular expression for each word. */
  patterns: readonly string[];
  /** With a title: only items due on this day; null for any. */
  onDay: string | null;
}

/** What is to be changed; what is not `set` stays. */
export interface ItemChange extends ItemChoice {
  newTitle: string | null;
  setDueOn: boolean;
  dueOn: string | null;
  priority: string | null;
  isDone: boolean | null;
}

/**
 * Changes the one item that is meant. One that is to be reopened may be done: of several of that title the last that was,
 * when none is open. The changed item alone; or else, unchanged, those that may be meant, at most six rows. Indexes:
 * items_pkey, items_due.
 */
export const updateItem = (p: ItemChange) => sql<ItemRow & { changed: boolean }>`
  -- todo.update_item
  with worded as (
    select id, due_on, done_at,
      case lower(said) when lower(${p.fullTitle}::text) then 2 when lower(${p.title}::text) then 1 else 0 end as exactness
    from todo.items, normalize(title) as said
    where items.user_id = ${p.userId}::uuid and ${p.id}::uuid is null
      and (done_at is null or ${p.isDone}::boolean is false)
      and (lower(said) = lower(${p.fullTitle}::text)
        or (${p.onDay}::date is null or due_on = ${p.onDay}::date)
          and (said ~* all (${p.patterns}::text[]) or lower(said) = lower(${p.title}::text)))
    order by exactness desc, done_at desc nulls first, due_on, id
    limit 6
  ), matches as (
    select id, due_on, done_at, 2 as exactness from todo.items where user_id = ${p.userId}::uuid and id = ${p.id}::uuid
    union all
    select id, due_on, done_at, exactness from worded
  ), chosen as (
    select id from matches
    where exactness > 0 or (select count(*) from matches) = 1
    order by exactness desc, done_at desc nulls first, due_on, id
    limit 1
  ), changed as (
    update todo.items
    set title = coalesce(${p.newTitle}, title),
      due_on = case when ${p.setDueOn} then ${p.dueOn}::date else due_on end,
      priority = coalesce(${p.priority}, priority),
      done_at = case ${p.isDone}::boolean when true then coalesce(done_at, now()) when false then null else done_at end,
      updated_at = greatest(updated_at, clock_timestamp())
    where user_id = ${p.userId}::uuid and id = (select id from chosen)
    returning id, title, due_on, priority, done_at, created_at, updated_at
  )
  select id, title, due_on, priority, done_at, created_at, updated_at, true as changed from changed
  union all
  select id, title, due_on, priority, done_at, created_at, updated_at, false
  from todo.items
  where user_id = ${p.userId}::uuid and id in (select id from matches) and not exists (select from chosen)
  order by id`;

/**
 * Deletes the one item that is meant. The deleted item alone; or else, still there, those that may be meant, at most six
 * rows. Indexes: items_pkey, items_due.
 */
export const deleteItem = (p: ItemChoice) => sql<ItemRow & { changed: boolean }>`
  -- todo.delete_item
  with worded as (
    select id, due_on,
      case lower(said) when lower(${p.fullTitle}::text) then 2 when lower(${p.title}::text) then 1 else 0 end as exactness
    from todo.items, normalize(title) as said
    where items.user_id = ${p.userId}::uuid and ${p.id}::uuid is null and done_at is null
      and (lower(said) = lower(${p.fullTitle}::text)
        or (${p.onDay}::date is null or due_on = ${p.onDay}::date)
          and (said ~* all (${p.patterns}::text[]) or lower(said) = lower(${p.title}::text)))
    order by exactness desc, due_on, id
    limit 6
  ), matches as (
    select id, due_on, 2 as exactness from todo.items where user_id = ${p.userId}::uuid and id = ${p.id}::uuid
    union all
    select id, due_on, exactness from worded
  ), chosen as (
    select id from matches
    where exactness > 0 or (select count(*) from matches) = 1
    order by exactness desc, due_on, id
    limit 1
  ), gone as (
    delete from todo.items where user_id = ${p.userId}::uuid and id = (select id from chosen)
    returning id, title, due_on, priority, done_at, created_at, updated_at
  )
  select id, title, due_on, priority, done_at, created_at, updated_at, true as changed from gone
  union all
  select id, title, due_on, priority, done_at, created_at, updated_at, false
  from todo.items
  where user_id = ${p.userId}::uuid and id in (select id from matches) and not exists (select from chosen)
  order by id`;

/** Deletes some of a user's items. Index: items_pkey. A row for each, at most `limit`. */
export const deleteItems = (p: Owned & { limit: number }) => sql<{ id: string }>`
  -- todo.delete_items
  delete from todo.items
  where user_id = ${p.userId}::uuid and id = any (array(
    -- A number that the planner does not see: it would sort all rows of a user who it thinks has few, for each page.
    select id from todo.items where user_id = ${p.userId}::uuid order by id
    limit (select ${p.limit}::integer)
  ))
  returning id`;
