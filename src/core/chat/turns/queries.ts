import { sql } from '../../../platform/postgres/index.ts';

/** Which turn is asked for. */
export interface TurnKey {
  userId: string;
  /** Null: whichever it belongs to. */
  sessionId: string | null;
  turnId: string;
}

/** A look at a turn. */
export interface TurnQuery extends TurnKey {
  /** The heartbeat that the reader has seen last, if any; while it is still the turn's, no text is read. */
  knownHeartbeatAt?: Date | null;
}

/** A turn, as stored, with the message that it answers and the answer, all of it or as far as it is stored. */
export interface TurnRow {
  id: string;
  session_id: string;
  status: string;
  model: string;
  error_code: string | null;
  error_message: string | null;
  prompt_tokens: number | null;
  completion_tokens: number | null;
  retried_by: string | null;
  heartbeat_at: Date;
  created_at: Date;
  ended_at: Date | null;
  /** Whether what follows was read, because it may be news. */
  is_news: boolean;
  question_id: string;
  question_turn_id: string | null;
  question_seq: number | null;
  question: string | null;
  question_at: Date;
  delta_chars: number[];
  text: string;
  /** `StoredToolCall`s, or null. */
  tool_calls: unknown;
  answer_id: string | null;
  answer_seq: number | null;
  answer_status: string;
  answer_model: string;
  answer_degraded: boolean | null;
}

/**
 * Turns with their messages, each by its session. At most one row each. A message is found as the first from its seq on,
 * which no other index than that of seq serves.
 * Indexes: chat_turns_pkey, chat_messages_pkey.
 */
export const findTurns = (rows: readonly TurnQuery[]) => sql<TurnRow & { i: number | null }>`
  -- chat.find_turns
  select input.i::integer as i, t.id, t.session_id, t.status, t.model, t.error_code, t.error_message, t.prompt_tokens, t.completion_tokens,
    t.retried_by, t.heartbeat_at, t.created_at, t.ended_at, t.is_news, t.question_seq, q.id as question_id,
    q.turn_id as question_turn_id, q.content as question, q.created_at as question_at, t.delta_chars, coalesce(a.content, t.partial) as text,
    coalesce(a.tool_calls, t.tool_calls) as tool_calls, t.answer_id, t.answer_seq, a.status as answer_status,
    a.model as answer_model, a.degraded as answer_degraded
  from unnest(${rows.map((row) => row.userId)}::uuid[], ${rows.map((row) => row.sessionId)}::uuid[],
    ${rows.map((row) => row.turnId)}::uuid[], ${rows.map((row) => row.knownHeartbeatAt ?? null)}::timestamptz[]
  ) with ordinality as input (user_id, session_id, turn_id, known_heartbeat_at, i)
  cross join lateral (
    select user_id, id, session_id, status, model, error_code, error_message, prompt_tokens, completion_tokens, retried_by,
      heartbeat_at, created_at, ended_at, question_seq, answer_id, answer_seq, delta_chars, tool_calls,
      status <> 'running' or heartbeat_at is distinct from input.known_heartbeat_at as is_news,
      case when heartbeat_at is distinct from input.known_heartbeat_at then partial end as partial
    from chat_turns
    where user_id = input.user_id and id = input.turn_id and session_id = coalesce(input.session_id, session_id)
    limit 1
  ) t
  left join lateral (
    select id, turn_id, content, created_at from chat_messages
    where user_id = t.user_id and session_id = t.session_id and seq >= t.question_seq
    order by seq limit 1
  ) q on t.is_news
  left join lateral (
    select content, tool_calls, status, model, degraded from chat_messages
    where user_id = t.user_id and session_id = t.session_id and seq >= t.answer_seq
    order by seq limit 1
  ) a on t.is_news`;

/**
 * Asks the server that runs a turn to stop it. One row while the turn runs, else none.
 * Index: chat_turns_pkey.
 */
export const requestStop = (p: TurnKey) => sql<{ id: string }>`
  -- chat.request_stop
  with asked as (
    -- Its status is looked at after: else, after hours without turns, all that run would be searched for it.
    select user_id, id, status from chat_turns
    where user_id = ${p.userId}::uuid and id = ${p.turnId}::uuid
      and session_id = coalesce(${p.sessionId}::uuid, session_id)
    limit 1
    for update
  )
  update chat_turns t set stop_requested = true
  from asked where t.user_id = asked.user_id and t.id = asked.id and asked.status = 'running'
  returning t.id`;
