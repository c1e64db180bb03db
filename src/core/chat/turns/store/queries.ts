import { sql } from '../../../../platform/postgres/index.ts';

/** More of an answer while it is written. Also says that the turn's owner lives. */
export interface TurnProgress {
  userId: string;
  turnId: string;
  owner: string;
  /** How many pieces of the text are taken to be stored: what follows is appended to these. */
  savedPieces: number;
  /** What was written since then; may be empty. */
  addition: string;
  /** The lengths of its pieces, as Postgres writes an array. */
  deltaChars: string;
  /** All tool calls so far, as JSON; null when there is none. */
  toolCalls: string | null;
}

/**
 * Stores more of the answers that are being written. Where another number of pieces is stored than the owner takes for
 * stored, because it never heard of a save that was made, nothing but the sign of life is: the row tells how many there are.
 * Index: chat_turns_pkey. A row for each turn that still runs.
 */
export const saveProgress = (rows: readonly TurnProgress[]) => sql<{
  i: number | null;
  /** Whether it was stored. */
  fits: boolean | null;
  /** How many pieces of the text are stored now. */
  pieces: number | null;
}>`
  -- chat.save_progress
  with input as (
    select * from unnest(
      ${rows.map((row) => row.userId)}::uuid[], ${rows.map((row) => row.turnId)}::uuid[],
      ${rows.map((row) => row.owner)}::uuid[], ${rows.map((row) => row.savedPieces)}::integer[],
      ${rows.map((row) => row.addition)}::text[], ${rows.map((row) => row.deltaChars)}::text[],
      ${rows.map((row) => row.toolCalls)}::text[]
    ) with ordinality as input (user_id, turn_id, owner, saved_pieces, addition, delta_chars, tool_calls, i)
  ), locked as (
    select t.user_id, t.id, input.addition, input.delta_chars, input.tool_calls, input.i,
      cardinality(t.delta_chars) = input.saved_pieces as fits
    from (select * from input order by user_id, turn_id) input
    cross join lateral (
      select user_id, id, owner, status, delta_chars from chat_turns
      where user_id = input.user_id and id = input.turn_id
      limit 1
      for update
    ) t
    where t.owner = input.owner and t.status = 'running'
  )
  update chat_turns t
  -- Calls say after how much of the text they came, so they are stored only with that.
  set partial = case when fits then t.partial || addition else t.partial end,
    delta_chars = case when fits then t.delta_chars || locked.delta_chars::integer[] else t.delta_chars end,
    tool_calls = case when fits then locked.tool_calls::json else t.tool_calls end, heartbeat_at = clock_timestamp()
  from locked where t.user_id = locked.user_id and t.id = locked.id
  returning i::integer as i, fits, cardinality(t.delta_chars) as pieces`;

/** How a turn can end. */
export type TurnEndStatus = 'completed' | 'failed' | 'interrupted' | 'stopped';

/** How a turn ended, with the whole answer. */
export interface TurnEnd {
  userId: string;
  sessionId: string;
  turnId: string;
  owner: string;
  /** Its last sign of life, for whoever takes it for dead: it is left alone when there was another. Null for its owner. */
  lastHeartbeatAt: Date | null;
  status: TurnEndStatus;
  messageId: string;
  /** Everything that was written; when empty and without tool calls, only a turn that completed or was stopped leaves a message. */
  content: string;
  /** The lengths of its pieces, as Postgres writes an array. */
  deltaChars: string;
  /** As JSON; null when there is none. */
  toolCalls: string | null;
  /** The model that wrote it; null when that is the one that was asked. */
  model: string | null;
  degraded: boolean;
  errorCode: string | null;
  errorMessage: string | null;
  promptTokens: number | null;
  completionTokens: number | null;
  /** The model that took them; null when that is the one that was asked. */
  usedModel: string | null;
  activityId: string;
}

/**
 * Ends turns: the answer becomes a message of the session. A turn that no longer runs, that another process owns, or that has
 * given another sign of life, is left alone and gets no row: a late writer is refused. Sessions are locked in the order of their keys, before
 * turns. What the answers cost is added to the users' usage; where nobody counted, four characters are taken for a token.
 * Indexes: chat_turns_pkey, chat_sessions_pkey, usage_days_pkey.
 */
export const endTurns = (rows: readonly TurnEnd[]) => sql<{
  i: number | null;
  /** Null when there was nothing to store as a message. */
  answer_seq: number | null;
  ended_at: Date;
  /** Of the session, from now on. */
  version: number;
}>`
  -- chat.end_turns
  with input as (
    select * from unnest(
      ${rows.map((row) => row.userId)}::uuid[], ${rows.map((row) => row.sessionId)}::uuid[],
      ${rows.map((row) => row.turnId)}::uuid[], ${rows.map((row) => row.owner)}::uuid[],
      ${rows.map((row) => row.status)}::text[], ${rows.map((row) => row.messageId)}::uuid[],
      ${rows.map((row) => row.content)}::text[], ${rows.map((row) => row.errorCode)}::text[],
      ${rows.map((row) => row.promptTokens)}::integer[], ${rows.map((row) => row.completionTokens)}::integer[],
      ${rows.map((row) => row.activityId)}::uuid[], ${rows.map((row) => row.deltaChars)}::text[],
      ${rows.map((row) => row.toolCalls)}::text[], ${rows.map((row) => row.model)}::text[],
      ${rows.map((row) => row.degraded)}::boolean[], ${rows.map((row) => row.errorMessage)}::text[],
      ${rows.map((row) => row.lastHeartbeatAt)}::timestamptz[], ${rows.map((row) => row.usedModel)}::text[]
    ) with ordinality as input (user_id, session_id, turn_id, owner, status, message_id, content, error_code,
      prompt_tokens, completion_tokens, activity_id, delta_chars, tool_calls, written_by, degraded, error_message,
      last_heartbeat_at, used_model, i)
  ), session as (
    select s.user_id, s.id, s.message_count, s.version + 1 as version,
      greatest(s.updated_at, clock_timestamp())::timestamptz(3) as ended_at
    from (select distinct user_id, session_id from input order by user_id, session_id) wanted
    cross join lateral (
      select user_id, id, message_count, version, updated_at from chat_sessions
      where user_id = wanted.user_id and id = wanted.session_id
      limit 1
      for update
    ) s
  ), turn as (
    select t.user_id, t.id, t.model, session.message_count, session.version, session.ended_at, input.i
    from input
    join session on session.user_id = input.user_id and session.id = input.session_id
    cross join lateral (
      select user_id, id, session_id, owner, status, model, heartbeat_at from chat_turns
      where user_id = input.user_id and id = input.turn_id
      limit 1
      for update
    ) t
    where t.session_id = input.session_id and t.owner = input.owner and t.status = 'running'
      and t.heartbeat_at = coalesce(input.last_heartbeat_at, t.heartbeat_at)
  ), ending as (
    select answering.*,
      (message_count + count(*) filter (where answers) over (partition by user_id, session_id order by i))::integer as seq
    from (
      select input.*, turn.model, turn.ended_at, turn.message_count, turn.version,
        input.content <> '' or input.tool_calls is not null or input.status in ('completed', 'stopped') as answers
      from input join turn on turn.i = input.i
    ) answering
  ), ended as (
    update chat_turns t
    set status = ending.status, ended_at = ending.ended_at, partial = '', tool_calls = null, stop_requested = false,
      delta_chars = ending.delta_chars::integer[], error_code = ending.error_code, error_message = ending.error_message,
      prompt_tokens = ending.prompt_tokens, completion_tokens = ending.completion_tokens,
      answer_id = case when ending.answers then ending.message_id end, answer_seq = case when ending.answers then ending.seq end
    from ending where t.user_id = ending.user_id and t.id = ending.turn_id
  ), counted as (
    update chat_sessions s
    set message_count = s.message_count + change.answers, version = change.version, updated_at = change.ended_at
    from (
      select user_id, session_id, version, ended_at, count(*) filter (where answers)::integer as answers
      from ending group by user_id, session_id, version, ended_at
    ) change
    where s.user_id = change.user_id and s.id = change.session_id
  ), message as (
    insert into chat_messages (user_id, session_id, seq, id, turn_id, role, content, tool_calls, status, model, degraded,
      created_at)
    select user_id, session_id, seq, message_id, turn_id, 'assistant', content, tool_calls::json,
      case status when 'completed' then 'complete' else 'incomplete' end, coalesce(written_by, model), degraded, ended_at
    from ending where answers
  ), act as (
    insert into activity (user_id, id, kind, subject_id)
    select user_id, activity_id, 'turn.' || status, turn_id from ending
  ), spent as (
    insert into usage_days (user_id, day, model, requests, prompt_tokens, completion_tokens)
    select user_id, (ended_at at time zone 'UTC')::date, coalesce(used_model, model), count(*)::integer,
      coalesce(sum(prompt_tokens), 0), sum(coalesce(completion_tokens, ceil(length(content) / 4.0)))
    from ending
    where content <> '' or completion_tokens is not null
    group by 1, 2, 3
    order by 1, 2, 3
    on conflict (user_id, day, model) do update
    set requests = usage_days.requests + excluded.requests,
      prompt_tokens = usage_days.prompt_tokens + excluded.prompt_tokens,
      completion_tokens = usage_days.completion_tokens + excluded.completion_tokens
  )
  -- The time is never null, which only this tells whoever reads the types.
  select i::integer as i, case when answers then seq end as answer_seq, coalesce(ended_at, now()) as ended_at, version
  from ending`;

/** A turn whose owner has been silent for too long, with what was stored of its answer. */
export interface DeadTurn {
  /** The time of the look by the database's clock, in whole milliseconds since 1970. */
  now_ms: number;
  user_id: string;
  id: string;
  session_id: string;
  owner: string;
  heartbeat_at: Date;
  partial: string;
  delta_chars: number[];
  /** `StoredToolCall`s. */
  tool_calls: unknown;
}

/**
 * The turns of all users whose owner has not been heard of for a while, or in a time that is yet to come, since the clock was
 * set back; for the server's own use. Index: chat_turns_owned. At most `limit` rows; when there is none, one in which all but the
 * time is null, which the types of its columns do not say.
 */
export const listDeadTurns = (p: { silentMs: number; limit: number }) => sql<DeadTurn>`
  -- chat.list_dead_turns
  with look as (
    select 1 as number
  ), dead as (
    select user_id, id, session_id, owner, heartbeat_at, partial, delta_chars, coalesce(tool_calls, '[]') as tool_calls
    from chat_turns
    where status = 'running'
      and abs(extract(epoch from clock_timestamp() - heartbeat_at)) > ${p.silentMs}::double precision / 1000
    order by heartbeat_at
    limit ${p.limit}::integer
  )
  select coalesce(floor(extract(epoch from clock_timestamp()) * 1000)::float8, 0) as now_ms, dead.*
  from look left join dead on true`;

/**
 * The turns of a server process that their users have stopped; for the server's own use.
 * Index: chat_turns_to_stop. As many rows as users stopped turns in the last half second.
 */
export const listTurnsToStop = (p: { owner: string }) => sql<{ id: string }>`
  -- chat.list_turns_to_stop
  select id from chat_turns where owner = ${p.owner}::uuid and stop_requested`;
