import { sql } from '../../../platform/postgres/index.ts';
import type { MessageRow, SessionRow } from '../queries.ts';

/** A page of a user's sessions. Index: chat_sessions_pkey. At most `limit` rows. */
export const exportSessions = (p: { userId: string; afterId: string; limit: number }) => sql<
  Omit<SessionRow, 'version'>
>`
  -- chat.export_sessions
  select id, title, assistant, model, message_count, created_at, updated_at from chat_sessions
  -- As a subselect, whose value no plan can count on: else all of the user's sessions may be sorted for each page.
  where user_id = ${p.userId}::uuid and id > (select ${p.afterId}::uuid)
  order by id
  limit ${p.limit}::integer`;

/**
 * How much of long texts a page has, in bytes as they are stored: beyond it by one row at most. An export holds a page in memory
 * for as long as its reader takes, and many may be read slowly at once. Five hundred messages are usually less.
 */
const MAX_PAGE_BYTES = 1_000_000;

/**
 * A page of a user's messages, session by session, which ends where its bytes do. Index: chat_messages_pkey. At most `limit`
 * rows.
 */
export const exportMessages = (p: { userId: string; sessionId: string; seq: number; limit: number }) => sql<
  // Said again for `check:sql`, which would read `unknown` in the type of the row.
  Omit<MessageRow, 'tool_calls'> & { session_id: string; tool_calls: unknown | null }
>`
  -- chat.export_messages
  select session_id, seq, id, turn_id, role, content, tool_calls, status, model, degraded, created_at
  from (
    select session_id, seq, id, turn_id, role, content, tool_calls, status, model, degraded, created_at,
      sum(octet_length(content) + coalesce(octet_length(tool_calls::text), 0))
        over (order by session_id, seq rows between unbounded preceding and 1 preceding) as bytes_before
    from chat_messages
    where user_id = ${p.userId}::uuid and (session_id, seq) > (${p.sessionId}::uuid, ${p.seq}::integer)
    order by session_id, seq
    limit ${p.limit}::integer
  ) page
  where coalesce(bytes_before, 0) < ${MAX_PAGE_BYTES}::integer
  order by session_id, seq`;

/** A page of a user's turns, which ends where its bytes do. Index: chat_turns_pkey. At most `limit` rows. */
export const exportTurns = (p: { userId: string; afterId: string; limit: number }) => sql<{
  id: string;
  session_id: string;
  status: string;
  model: string;
  partial: string;
  tool_calls: unknown | null;
  error_code: string | null;
  error_message: string | null;
  prompt_tokens: number | null;
  completion_tokens: number | null;
  question_seq: number | null;
  answer_seq: number | null;
  retried_by: string | null;
  created_at: Date;
  ended_at: Date | null;
}>`
  -- chat.export_turns
  select id, session_id, status, model, partial, tool_calls, error_code, error_message, prompt_tokens,
    completion_tokens, question_seq, answer_seq, retried_by, created_at, ended_at
  from (
    select id, session_id, status, model, partial, tool_calls, error_code, error_message, prompt_tokens,
      completion_tokens, question_seq, answer_seq, retried_by, created_at, ended_at,
      sum(octet_length(partial) + coalesce(octet_length(tool_calls::text), 0))
        over (order by id rows between unbounded preceding and 1 preceding) as bytes_before
    from chat_turns
    where user_id = ${p.userId}::uuid and id > ${p.afterId}::uuid
    order by id
    limit ${p.limit}::integer
  ) page
  where coalesce(bytes_before, 0) < ${MAX_PAGE_BYTES}::integer
  order by id`;

/**
 * Erases some of a user's messages: all of the sessions before the one in which the page ends, and that one's part. By a range
 * of an index, not row by row: where Postgres thinks that users have few, it would look for those among all of the user's.
 * Indexes: chat_messages_pkey, chat_messages_time. A row for each, at most `limit`.
 */
export const eraseMessages = (p: { userId: string; limit: number }) => sql<{ seq: number }>`
  -- chat.erase_messages
  with page as (
    select session_id, seq from chat_messages where user_id = ${p.userId}::uuid
    order by session_id, seq
    -- A number that the planner does not see: it would sort all rows of a user who it thinks has few, for each page.
    limit (select ${p.limit}::integer)
  ), last as materialized (
    select session_id, seq from page order by session_id desc, seq desc limit 1
  ), whole as (
    delete from chat_messages
    where user_id = ${p.userId}::uuid and session_id < (select session_id from last)
    returning seq
  ), part as (
    delete from chat_messages
    where user_id = ${p.userId}::uuid and session_id = (select session_id from last) and seq <= (select seq from last)
    returning seq
  )
  select seq from whole union all select seq from part`;

/** Erases some of a user's turns. Index: chat_turns_pkey. A row for each, at most `limit`. */
export const eraseTurns = (p: { userId: string; limit: number }) => sql<{ id: string }>`
  -- chat.erase_turns
  delete from chat_turns
  where user_id = ${p.userId}::uuid and id = any (array(
    -- A number that the planner does not see: it would sort all rows of a user who it thinks has few, for each page.
    select id from chat_turns where user_id = ${p.userId}::uuid order by id
    limit (select ${p.limit}::integer)
  ))
  returning id`;

/**
 * Erases some of a user's sessions, with what is left of their messages and turns. Index: chat_sessions_recent. A row for
 * each, at most `limit`.
 */
export const eraseSessions = (p: { userId: string; limit: number }) => sql<{ id: string }>`
  -- chat.erase_sessions
  delete from chat_sessions
  where user_id = ${p.userId}::uuid and (updated_at, id) >= (
    select updated_at, id from (
      select updated_at, id from chat_sessions where user_id = ${p.userId}::uuid
      -- As that index has them, and a number that the planner does not see: it would sort all rows of a user who it thinks has
      -- few, for each page.
      order by updated_at desc, id desc
      limit (select ${p.limit}::integer)
    ) page
    order by updated_at, id
    limit 1
  )
  returning id`;
