import { sql } from '../../../../platform/postgres/index.ts';
import type { Idempotency, IdempotentOutcome } from '../../../accounts/index.ts';
import { MAX_HISTORY_CHARS } from './replay-history.ts';

/** A turn of a user; once by its key if it has one. */
export interface NewAnswer extends Idempotency {
  userId: string;
  sessionId: string;
  turnId: string;
  /** The model that serves when the session names none. */
  defaultModel: string;
  /** The server process that runs the turn. */
  owner: string;
  keyId: string | null;
  ip: string | null;
  activityId: string;
}

/** A user's message, and the turn that answers it. */
export interface NewTurn extends NewAnswer {
  messageId: string;
  content: string;
  /** Whether the session is to be created as well. */
  isNewSession: boolean;
  /** Of a new session. */
  assistant: string | null;
  /** Of the creation of a session. */
  sessionActivityId: string;
}

/** A turn as it was started. Times are as JSON has them. */
export interface StartedTurn {
  turn_id: string;
  /** Absent from a retry, which names its session itself. */
  session_id?: string;
  message_id: string;
  /** The turn that the message came with, where that is an earlier one. */
  message_turn_id?: string;
  seq: number;
  created_at: string;
  model: string;
  assistant: string | null;
}

/** How many of the latest messages go to the model with the new one. */
const CONTEXT_MESSAGES = 50;

/**
 * How much of them is read, in bytes: a character takes four at most, so never less than the model is told. Without a bound,
 * fifty of the longest messages would keep Postgres and this process busy for a quarter of a second, with each new one.
 */
const CONTEXT_BYTES = 4 * MAX_HISTORY_CHARS;

/**
 * Stores users' messages, each with the turn that answers it, its session's new count, version and time or the new session,
 * the record of its Idempotency-Key and the activity; and reads what the model is told: of an answer that was left incomplete
 * and given again, only what its tools did; of a message that another such statement is storing, nothing. Sessions are
 * locked in the order of their keys, so that two such statements cannot deadlock. No row for a session that does not exist; else one: of an input whose key
 * was used before, the turn as it was started then. `turn` is a `StartedTurn`, `history` a `StoredHistory`.
 * Indexes: chat_sessions_pkey, chat_messages_pkey, chat_turns_pkey, idempotency_keys_pkey.
 */
export const startTurns = (rows: readonly NewTurn[]) => sql<
  IdempotentOutcome & { i: number | null; turn: unknown; history: unknown | null }
>`
  -- chat.start_turns
  with input as (
    select *, coalesce('key ' || idempotency_key, 'row ' || i) as work from unnest(
      ${rows.map((row) => row.userId)}::uuid[], ${rows.map((row) => row.sessionId)}::uuid[],
      ${rows.map((row) => row.turnId)}::uuid[], ${rows.map((row) => row.messageId)}::uuid[],
      ${rows.map((row) => row.content)}::text[], ${rows.map((row) => row.defaultModel)}::text[],
      ${rows.map((row) => row.owner)}::uuid[], ${rows.map((row) => row.activityId)}::uuid[],
      ${rows.map((row) => row.keyId)}::uuid[], ${rows.map((row) => row.ip)}::inet[],
      ${rows.map((row) => row.idempotencyKey)}::text[], ${rows.map((row) => row.fingerprint)}::bytea[],
      ${rows.map((row) => row.isNewSession)}::boolean[], ${rows.map((row) => row.assistant)}::text[],
      ${rows.map((row) => row.sessionActivityId)}::uuid[]
    ) with ordinality as input (user_id, session_id, turn_id, message_id, content, default_model, owner, activity_id,
      key_id, ip, idempotency_key, fingerprint, is_new_session, new_assistant, session_activity_id, i)
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
  ), wanted as (
    select user_id, session_id, count(*)::integer as messages from fresh where not is_new_session group by user_id, session_id
  ), locked as (
    select s.user_id, s.id, wanted.messages
    from (select * from wanted order by user_id, session_id) wanted
    cross join lateral (
      select user_id, id from chat_sessions
      where user_id = wanted.user_id and id = wanted.session_id
      limit 1
      for update
    ) s
  ), counted as (
    update chat_sessions s
    set message_count = s.message_count + locked.messages, version = s.version + 1,
      updated_at = greatest(s.updated_at, clock_timestamp())
    from locked where s.user_id = locked.user_id and s.id = locked.id
    returning s.user_id, s.id, s.message_count - locked.messages as messages_before, s.model, s.assistant, s.updated_at
  ), created as (
    insert into chat_sessions (user_id, id, assistant, message_count)
    select user_id, session_id, new_assistant, 1 from fresh where is_new_session
    returning user_id, id, 0 as messages_before, model, assistant, updated_at
  ), chosen as (
    select user_id, id, messages_before, model, assistant, updated_at from counted
    union all
    select user_id, id, messages_before, model, assistant, updated_at from created
  ), numbered as (
    select fresh.*, coalesce(chosen.model, fresh.default_model) as chosen_model, chosen.assistant, chosen.updated_at,
      chosen.messages_before,
      (chosen.messages_before + row_number() over (partition by fresh.user_id, fresh.session_id order by fresh.i))::integer
        as seq
    from fresh join chosen on chosen.user_id = fresh.user_id and chosen.id = fresh.session_id
  ), started as (
    select user_id, session_id, work, i, idempotency_key, fingerprint, messages_before, jsonb_build_object('turn_id', turn_id,
      'session_id', session_id, 'message_id', message_id, 'seq', seq, 'created_at', updated_at, 'model', chosen_model, 'assistant', assistant) as answer
    from numbered
  ), turn as (
    insert into chat_turns (user_id, id, session_id, status, owner, model, question_seq)
    select user_id, turn_id, session_id, 'running', owner, chosen_model, seq from numbered
  ), message as (
    insert into chat_messages (user_id, session_id, seq, id, turn_id, role, content, created_at)
    select user_id, session_id, seq, message_id, turn_id, 'user', content, updated_at from numbered
  ), remembered as (
    insert into idempotency_keys (user_id, key, fingerprint, answer)
    select user_id, idempotency_key, fingerprint, answer from started where idempotency_key is not null
  ), act as (
    insert into activity (user_id, id, kind, key_id, subject_id, ip)
    select user_id, activity_id, 'turn.started', key_id, turn_id, ip from numbered
  ), session_act as (
    insert into activity (user_id, id, kind, key_id, subject_id, ip)
    select user_id, session_activity_id, 'session.created', key_id, session_id, ip from fresh where is_new_session
  )
  select input.i::integer as i, coalesce(known.answer, started.answer) as turn,
    started.i is distinct from input.i as replayed,
    coalesce(known.fingerprint, started.fingerprint) = input.fingerprint as is_same, (
      select json_build_array(array_to_json(array_agg(m.role)), array_to_json(array_agg(m.content)),
        array_to_json(array_agg(m.tool_calls)))
      from (
        select role, content, tool_calls from (
          select seq, role, content, tool_calls, sum(octet_length(content) + coalesce(octet_length(tool_calls::text), 0))
            over (order by seq desc rows unbounded preceding) as bytes_so_far
          from (
            select seq, role, tool_calls, case when status = 'complete' or not exists (
              select from chat_messages later
              where user_id = latest.user_id and session_id = latest.session_id
                and seq > latest.seq and seq <= started.messages_before and role = 'assistant' and (
                select question_seq from chat_turns where user_id = later.user_id and id = later.turn_id
              ) is not distinct from (
                select question_seq from chat_turns where user_id = latest.user_id and id = latest.turn_id
              )
            ) then content else '' end as content
            from chat_messages latest
            where user_id = started.user_id and session_id = started.session_id
              and seq > started.messages_before - ${CONTEXT_MESSAGES}::integer and seq <= started.messages_before
          ) latest
          where content <> '' or tool_calls is not null
        ) told
        where bytes_so_far <= ${CONTEXT_BYTES}::integer
        order by seq desc
      ) m
    ) as history
  from input
  left join known on known.i = input.i
  left join started on started.user_id = input.user_id and started.work = input.work
  where known.i is not null or started.i is not null`;

/** A turn that answers the message of an earlier turn again. */
export interface NewRetry extends NewAnswer {
  /** The turn whose message it answers. */
  retriedId: string;
}

/**
 * Starts a turn that answers the message of an earlier one again, when no message of the user's follows that one, and the
 * turn did not complete and was not retried yet. One row, with the turn as it was started then when the key was used before;
 * else with `turn` null when it may not be retried, or something happened in the session meanwhile that can be seen only the
 * next time; and none for a turn that does not exist. `turn` is a `StartedTurn`, `history` a `StoredHistory`, `tried` lists
 * the tool calls of each answer that the message was given before.
 * Indexes: chat_turns_pkey, chat_sessions_pkey, chat_messages_pkey, idempotency_keys_pkey.
 */
export const retryTurn = (p: NewRetry) => sql<{
  turn: unknown;
  content: string;
  history: unknown | null;
  tried: unknown | null;
  replayed: boolean;
  is_same: boolean | null;
}>`
  -- chat.retry_turn
  with known as (
    select fingerprint, answer from idempotency_keys where user_id = ${p.userId}::uuid and key = ${p.idempotencyKey}
  ), session as (
    select user_id, id, message_count, model, assistant from chat_sessions
    where user_id = ${p.userId}::uuid and id = ${p.sessionId}::uuid and not exists (select from known)
    for update
  ), claimed as (
    update chat_turns t set retried_by = ${p.turnId}::uuid
    from session
    where t.user_id = ${p.userId}::uuid and t.id = ${p.retriedId}::uuid and t.session_id = session.id
      and t.status in ('failed', 'interrupted', 'stopped') and t.retried_by is null
      and (
        select seq from chat_messages
        where user_id = t.user_id and session_id = t.session_id and seq > t.question_seq and role = 'user'
        order by seq limit 1
      ) is null
      -- A message that was stored while this waited for the session cannot be seen here.
      and session.message_count = (
        select seq from chat_messages
        where user_id = t.user_id and session_id = t.session_id
        order by seq desc limit 1
      )
    returning t.user_id, t.session_id, t.question_seq, coalesce(session.model, ${p.defaultModel}) as model, session.assistant
  ), question as (
    select claimed.user_id, claimed.session_id, claimed.question_seq, claimed.model, claimed.assistant, m.id, m.turn_id,
      m.content, m.created_at
    from claimed cross join lateral (
      select id, turn_id, content, created_at from chat_messages
      where user_id = claimed.user_id and session_id = claimed.session_id and seq >= claimed.question_seq
      order by seq limit 1
    ) m
  ), started as (
    select question.*, jsonb_build_object('turn_id', ${p.turnId}::uuid, 'message_id', id,
      'message_turn_id', turn_id, 'seq', question_seq, 'created_at', created_at, 'model', model, 'assistant', assistant) as answer
    from question
  ), turn as (
    insert into chat_turns (user_id, id, session_id, status, owner, model, question_seq)
    select user_id, ${p.turnId}::uuid, session_id, 'running', ${p.owner}::uuid, model, question_seq from started
  ), remembered as (
    insert into idempotency_keys (user_id, key, fingerprint, answer)
    select user_id, ${p.idempotencyKey}, ${p.fingerprint}::bytea, answer from started
    where ${p.idempotencyKey}::text is not null
  ), act as (
    insert into activity (user_id, id, kind, key_id, subject_id, ip)
    select user_id, ${p.activityId}::uuid, 'turn.started', ${p.keyId}::uuid, ${p.turnId}::uuid, ${p.ip}::inet from started
  )
  select coalesce(known.answer, started.answer) as turn, started.content, known.answer is not null as replayed,
    known.fingerprint = ${p.fingerprint}::bytea as is_same, (
      select json_build_array(array_to_json(array_agg(m.role)), array_to_json(array_agg(m.content)),
        array_to_json(array_agg(m.tool_calls)))
      from (
        select role, content, tool_calls from (
          select seq, role, content, tool_calls, sum(octet_length(content) + coalesce(octet_length(tool_calls::text), 0))
            over (order by seq desc rows unbounded preceding) as bytes_so_far
          from (
            select seq, role, tool_calls, case when status = 'complete' or not exists (
              select from chat_messages later
              where user_id = latest.user_id and session_id = latest.session_id
                and seq > latest.seq and seq < started.question_seq and role = 'assistant' and (
                select question_seq from chat_turns where user_id = later.user_id and id = later.turn_id
              ) is not distinct from (
                select question_seq from chat_turns where user_id = latest.user_id and id = latest.turn_id
              )
            ) then content else '' end as content
            from chat_messages latest
            where user_id = started.user_id and session_id = started.session_id
              and seq > started.question_seq - ${CONTEXT_MESSAGES + 1}::integer and seq < started.question_seq
          ) latest
          where content <> '' or tool_calls is not null
        ) told
        where bytes_so_far <= ${CONTEXT_BYTES}::integer
        order by seq desc
      ) m
    ) as history, (
      select array_to_json(array_agg(tool_calls order by seq))
      from (
        select seq, tool_calls, sum(octet_length(tool_calls::text)) over (order by seq desc rows unbounded preceding)
          as bytes_so_far
        from chat_messages tried
        where user_id = started.user_id and session_id = started.session_id and seq > started.question_seq
          and tool_calls is not null and (
            select question_seq from chat_turns where user_id = tried.user_id and id = tried.turn_id
          ) = started.question_seq
      ) m
      where bytes_so_far <= ${CONTEXT_BYTES}::integer
    ) as tried
  from (select) one
  left join known on true
  left join started on true
  left join chat_turns t
    on t.user_id = ${p.userId}::uuid and t.id = ${p.retriedId}::uuid and t.session_id = ${p.sessionId}::uuid
  where known.fingerprint is not null or t.id is not null`;
