import { type Statement, sql } from '../../platform/postgres/index.ts';
import type { Actor, Idempotency, IdempotentOutcome } from '../accounts/index.ts';

/** A chat session, as stored. */
export interface SessionRow {
  id: string;
  title: string | null;
  assistant: string | null;
  model: string | null;
  message_count: number;
  version: number;
  created_at: Date;
  updated_at: Date;
}

/** A message, as stored. */
export interface MessageRow {
  seq: number;
  id: string;
  turn_id: string | null;
  role: string;
  content: string;
  /** `StoredToolCall`s, or null. */
  tool_calls: unknown | null;
  status: string;
  model: string | null;
  degraded: boolean;
  created_at: Date;
}

/** A session to be created, once by its key if it has one. */
export interface NewSession extends Actor, Idempotency {
  id: string;
  title: string | null;
  assistant: string | null;
  model: string | null;
}

/**
 * Creates sessions, each with its activity and the record of its Idempotency-Key. One row each: of an input whose key was
 * used before, the session as it was created then. Index: idempotency_keys_pkey.
 */
export const insertSessions = (rows: readonly NewSession[]) => sql<
  IdempotentOutcome & { i: number | null; session: unknown }
>`
  -- chat.insert_sessions
  with input as (
    select *, coalesce('key ' || idempotency_key, 'row ' || i) as work from unnest(
      ${rows.map((row) => row.userId)}::uuid[], ${rows.map((row) => row.id)}::uuid[],
      ${rows.map((row) => row.title)}::text[], ${rows.map((row) => row.assistant)}::text[],
      ${rows.map((row) => row.model)}::text[], ${rows.map((row) => row.activityId)}::uuid[],
      ${rows.map((row) => row.keyId)}::uuid[], ${rows.map((row) => row.ip)}::inet[],
      ${rows.map((row) => row.idempotencyKey)}::text[], ${rows.map((row) => row.fingerprint)}::bytea[]
    ) with ordinality as input (user_id, id, title, assistant, model, activity_id, key_id, ip, idempotency_key, fingerprint, i)
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
    insert into chat_sessions (user_id, id, title, assistant, model)
    select user_id, id, title, assistant, model from fresh
    returning user_id, id, title, assistant, model, message_count, version, created_at, updated_at
  ), answered as (
    select fresh.user_id, fresh.work, fresh.i, fresh.idempotency_key, fresh.fingerprint,
      to_jsonb(created) - 'user_id' as answer
    from fresh join created on created.user_id = fresh.user_id and created.id = fresh.id
  ), remembered as (
    insert into idempotency_keys (user_id, key, fingerprint, answer)
    select user_id, idempotency_key, fingerprint, answer from answered where idempotency_key is not null
  ), act as (
    insert into activity (user_id, id, kind, key_id, subject_id, ip)
    select user_id, activity_id, 'session.created', key_id, id, ip from fresh
  )
  select input.i::integer as i, coalesce(known.answer, answered.answer) as session,
    answered.i is distinct from input.i as replayed,
    coalesce(known.fingerprint, answered.fingerprint) = input.fingerprint as is_same
  from input
  left join known on known.i = input.i
  left join answered on answered.user_id = input.user_id and answered.work = input.work`;

/** Which session is asked for. */
export interface SessionKey {
  userId: string;
  id: string;
}

/** Sessions, each by its key. Index: chat_sessions_pkey. At most one row each. */
export const findSessions = (rows: readonly SessionKey[]) => sql<SessionRow & { i: number | null }>`
  -- chat.find_sessions
  select input.i::integer as i, s.id, s.title, s.assistant, s.model, s.message_count, s.version, s.created_at, s.updated_at
  from unnest(${rows.map((row) => row.userId)}::uuid[], ${rows.map((row) => row.id)}::uuid[]) with ordinality
    as input (user_id, id, i)
  cross join lateral (
    select id, title, assistant, model, message_count, version, created_at, updated_at from chat_sessions
    where user_id = input.user_id and id = input.id
    limit 1
  ) s`;

/** A page of a user's sessions. */
export interface SessionPage {
  userId: string;
  /** Only those of this assistant; null for all. */
  assistant: string | null;
  afterUpdatedAt: Date | null;
  afterId: string | null;
  limit: number;
}

/** A page of sessions, newest activity first, after a place in that order. Index: chat_sessions_recent. At most `limit` rows. */
export const listSessions = (p: SessionPage) => sql<SessionRow>`
  -- chat.list_sessions
  select id, title, assistant, model, message_count, version, created_at, updated_at
  from chat_sessions
  where user_id = ${p.userId}::uuid
    and (updated_at, id) < (coalesce(${p.afterUpdatedAt}::timestamptz, 'infinity'),
      coalesce(${p.afterId}::uuid, 'ffffffff-ffff-ffff-ffff-ffffffffffff'))
    -- Put so, Postgres expects most sessions to be wanted, and reads the page. If it expected few, it would sort all of them.
    and nullif(${p.assistant}, assistant) is distinct from coalesce(${p.assistant}, '')
  order by updated_at desc, id desc
  limit ${p.limit}::integer`;

/**
 * As `listSessions`, of those whose title holds the words, or one of whose messages does; the words as people write them
 * into a search box, divided as messages are for the index. Titles are read one by one: a user has few, and no index of them
 * needs to be kept when sessions are made.
 * Indexes: chat_sessions_recent, chat_messages_words. At most `limit` rows.
 */
export const searchSessions = (p: SessionPage & { words: string }) => sql<SessionRow>`
  -- chat.search_sessions
  select id, title, assistant, model, message_count, version, created_at, updated_at
  from chat_sessions
  where user_id = ${p.userId}::uuid
    and (updated_at, id) < (coalesce(${p.afterUpdatedAt}::timestamptz, 'infinity'),
      coalesce(${p.afterId}::uuid, 'ffffffff-ffff-ffff-ffff-ffffffffffff'))
    and assistant is not distinct from coalesce(${p.assistant}, assistant)
    -- As a subselect, which is read once: else the words are, a hundred perhaps, for each session again.
    and (to_tsvector('simple', translate(title, '_@/~<-', ',,,,,,'))
      @@ (select websearch_to_tsquery('simple', ${p.words})) or id in (
      select session_id from chat_messages
      where user_id = ${p.userId}::uuid
        and to_tsvector('simple', translate(left(content, 20000), '_@/~<-', ',,,,,,'))
          @@ (select websearch_to_tsquery('simple', ${p.words}))
    ))
  order by updated_at desc, id desc
  limit ${p.limit}::integer`;

/** Changes the title or the model of a session; what is not `set` stays. Index: chat_sessions_pkey. One row or none. */
export const updateSession = (
  p: Actor & { id: string; setTitle: boolean; title: string | null; setModel: boolean; model: string | null },
) => sql<SessionRow>`
  -- chat.update_session
  with changed as (
    update chat_sessions
    set title = case when ${p.setTitle} then ${p.title} else title end,
      model = case when ${p.setModel} then ${p.model} else model end,
      version = version + 1, updated_at = greatest(updated_at, clock_timestamp())
    where user_id = ${p.userId}::uuid and id = ${p.id}::uuid
    returning id, title, assistant, model, message_count, version, created_at, updated_at
  ), act as (
    insert into activity (user_id, id, kind, key_id, subject_id, ip)
    select ${p.userId}::uuid, ${p.activityId}::uuid, 'session.updated', ${p.keyId}::uuid, changed.id, ${p.ip}::inet
    from changed
  )
  select id, title, assistant, model, message_count, version, created_at, updated_at from changed`;

/**
 * Deletes a session with what it has of messages and turns, unless it has counted more than `atMost` messages. Indexes:
 * chat_sessions_pkey, chat_turns_session. One row of a session that there was, or none.
 */
export const deleteSession = (p: Actor & { id: string; atMost: number }) => sql<{ gone: boolean }>`
  -- chat.delete_session
  with gone as (
    delete from chat_sessions
    where user_id = ${p.userId}::uuid and id = ${p.id}::uuid and message_count <= ${p.atMost}::integer
    returning id
  ), act as (
    insert into activity (user_id, id, kind, key_id, subject_id, ip)
    select ${p.userId}::uuid, ${p.activityId}::uuid, 'session.deleted', ${p.keyId}::uuid, gone.id, ${p.ip}::inet from gone
  )
  select exists (select from gone) as gone from chat_sessions where user_id = ${p.userId}::uuid and id = ${p.id}::uuid`;

/** Some of a session's rows. */
export interface SessionPart {
  userId: string;
  sessionId: string;
  limit: number;
}

/** Deletes some of a session's messages, the newest first. Index: chat_messages_pkey. A row for each, at most `limit`. */
export const deleteMessages = (p: SessionPart) => sql<{ seq: number }>`
  -- chat.delete_messages
  delete from chat_messages
  where user_id = ${p.userId}::uuid and session_id = ${p.sessionId}::uuid and seq >= (
    select min(seq) from (
      select seq from chat_messages where user_id = ${p.userId}::uuid and session_id = ${p.sessionId}::uuid
      order by seq desc
      -- A number that the planner does not see: it would sort all rows of a session that it thinks short, for each page.
      limit (select ${p.limit}::integer)
    ) page
  )
  returning seq`;

/** Deletes some of a session's turns. Indexes: chat_turns_session, chat_turns_pkey. A row for each, at most `limit`. */
export const deleteTurns = (p: SessionPart) => sql<{ id: string }>`
  -- chat.delete_turns
  delete from chat_turns
  where user_id = ${p.userId}::uuid and id = any (array(
    select id from chat_turns where user_id = ${p.userId}::uuid and session_id = ${p.sessionId}::uuid
    limit (select ${p.limit}::integer)
  ))
  returning id`;

/**
 * How much of its messages a page has at most, in bytes as they are stored: a hundred times what fifty messages usually are,
 * and what takes the server's one thread a twentieth of a second to write as JSON. Ten times as much would keep all others
 * waiting for half a second; a tenth would cut pages that people read.
 */
const MAX_PAGE_BYTES = 4_000_000;

/** What a page of history is asked by. */
export interface HistoryQuery {
  userId: string;
  sessionId: string;
  /** The newest version that the reader has; when it is still the session's, no message is read. */
  knownVersion: number | null;
  /** Only messages later than this. */
  after: Date | null;
  /** Only messages earlier than this. */
  before: Date | null;
  /** Only messages with a greater seq. */
  afterSeq: number | null;
  /** Only messages with a smaller seq. */
  beforeSeq: number | null;
  /** How many to pass over from the start of the range, in the order asked for. */
  offset: number;
  limit: number;
  descending: boolean;
  /** How many pages have equal shares of `MAX_PAGE_BYTES`; one when absent. */
  sharedBy?: number;
}

/**
 * Pages of sessions' histories. Seq has no gaps, so `offset` is arithmetic and a page far down is found as fast as the
 * first; `after` and `before` are first turned into a first and a last seq. A page ends where its bytes do: how many
 * those of content are is known without reading it. A page of its own has one message at least, however large, so that
 * readers get on; one that shares its bytes may have none.
 *
 * No row for a session that does not exist; else at least one, with a null `seq` when the page is empty; at most `limit`
 * rows each. Indexes: chat_sessions_pkey, chat_messages_pkey, chat_messages_time.
 */
export const readHistories = (rows: readonly HistoryQuery[]) => sql<{
  i: number | null;
  version: number;
  first_seq: number;
  last_seq: number;
  seq: number | null;
  id: string | null;
  turn_id: string | null;
  role: string | null;
  content: string | null;
  tool_calls: unknown | null;
  status: string | null;
  model: string | null;
  degraded: boolean | null;
  created_at: Date | null;
}>`
  -- chat.read_histories
  with input as (
    select * from unnest(
      ${rows.map((row) => row.userId)}::uuid[], ${rows.map((row) => row.sessionId)}::uuid[],
      ${rows.map((row) => row.knownVersion)}::bigint[], ${rows.map((row) => row.after)}::timestamptz[],
      ${rows.map((row) => row.before)}::timestamptz[], ${rows.map((row) => row.afterSeq)}::bigint[],
      ${rows.map((row) => row.beforeSeq)}::bigint[], ${rows.map((row) => row.offset)}::bigint[],
      ${rows.map((row) => row.limit)}::integer[], ${rows.map((row) => row.descending)}::boolean[],
      ${rows.map(() => MAX_PAGE_BYTES)}::integer[], ${rows.map((row) => row.sharedBy ?? 1)}::integer[]
    ) with ordinality as input (user_id, session_id, known_version, after_time, before_time, after_seq, before_seq,
      passed_over, page_limit, is_descending, max_bytes, shared_by, i)
  ), bounds as materialized (
    select input.*, s.version,
      greatest(input.after_seq + 1, case when input.after_time is null then 1 else coalesce((
        select m.seq + 1 from chat_messages m
        where m.user_id = s.user_id and m.session_id = s.id and m.created_at <= input.after_time
        order by m.created_at desc, m.seq desc limit 1), 1) end) as first_seq,
      least(input.before_seq - 1, case when input.before_time is null then s.message_count else coalesce((
        select m.seq - 1 from chat_messages m
        where m.user_id = s.user_id and m.session_id = s.id and m.created_at >= input.before_time
        order by m.created_at, m.seq limit 1), s.message_count) end) as last_seq
    from input cross join lateral (
      select user_id, id, version, message_count from chat_sessions
      where user_id = input.user_id and id = input.session_id
      limit 1
    ) s
  ), page as materialized (
    select bounds.*,
      case when is_descending then greatest(first_seq, last_seq - passed_over - page_limit + 1)
        else first_seq + passed_over end as from_seq,
      case when is_descending then last_seq - passed_over
        else least(last_seq, first_seq + passed_over + page_limit - 1) end as to_seq
    from bounds
  )
  select page.i::integer as i, page.version, coalesce(page.first_seq, 1) as first_seq, coalesce(page.last_seq, 0) as last_seq,
    m.seq, m.id, m.turn_id, m.role, m.content, m.tool_calls, m.status, m.model, m.degraded, m.created_at
  from page
  left join lateral (
    select seq, id, turn_id, role, content, tool_calls, status, model, degraded, created_at,
      sum(octet_length(content) + coalesce(octet_length(tool_calls::text), 0))
        over (order by case when page.is_descending then -seq else seq end rows unbounded preceding) as bytes_so_far
    from chat_messages
    where user_id = page.user_id and session_id = page.session_id and seq between page.from_seq and page.to_seq
      and page.version is distinct from page.known_version
    limit page.page_limit
  ) m on m.bytes_so_far <= page.max_bytes / page.shared_by
    or page.shared_by = 1 and m.seq = case when page.is_descending then page.to_seq else page.from_seq end
  order by page.i, case when page.is_descending then -m.seq else m.seq end`;

/** A message of a page of a session, as stored, or the session without any. */
export type PageRow = ReturnType<typeof readHistories> extends Statement<infer Row> ? Row : never;
