import { sql } from '../../../platform/postgres/index.ts';
import type { Idempotency } from '../../accounts/index.ts';

/** A user's message, and the turn that answers it; once by its key if it has one. */
export interface NewTurn extends Idempotency {
  userId: string;
  sessionId: string;
  turnId: string;
  messageId: string;
  content: string;
  /** The model that serves when the session names none. */
  defaultModel: string;
  /** The server process that runs the turn. */
  owner: string;
  keyId: string | null;
  ip: string | null;
  activityId: string;
}

/** A turn as it was started. Times are as JSON has them. */
export interface StartedTurn {
  turn_id: string;
  message_id: string;
  seq: number;
  created_at: string;
  model: string;
}

/** How many of the latest messages go to the model with the new one. */
const contextMessages = 50;

/**
 * Stores users' messages, each with the turn that answers it, its session's new count, version and time, the record of
 * its Idempotency-Key and the activity; and reads what the model is told. Sessions are locked in the order of their keys,
 * so that two such statements cannot deadlock. No row for a session that does not exist; else one: of an input whose key
 * was used before, the turn as it was started then. `turn` is a `StartedTurn`.
 * Indexes: chat_sessions_pkey, chat_messages_pkey, idempotency_keys_pkey.
 */
export const startTurns = (rows: readonly NewTurn[]) => sql<{
  i: number | null;
  turn: unknown;
  history: { role: string; content: string }[] | null;
  replayed: boolean | null;
  is_same: boolean | null;
}>`
  -- chat.start_turns
  with input as (
    select *, coalesce('key ' || idempotency_key, 'row ' || i) as work from unnest(
      ${rows.map((row) => row.userId)}::uuid[], ${rows.map((row) => row.sessionId)}::uuid[],
      ${rows.map((row) => row.turnId)}::uuid[], ${rows.map((row) => row.messageId)}::uuid[],
      ${rows.map((row) => row.content)}::text[], ${rows.map((row) => row.defaultModel)}::text[],
      ${rows.map((row) => row.owner)}::uuid[], ${rows.map((row) => row.activityId)}::uuid[],
      ${rows.map((row) => row.keyId)}::uuid[], ${rows.map((row) => row.ip)}::inet[],
      ${rows.map((row) => row.idempotencyKey)}::text[], ${rows.map((row) => row.fingerprint)}::bytea[]
    ) with ordinality as input (user_id, session_id, turn_id, message_id, content, default_model, owner, activity_id,
      key_id, ip, idempotency_key, fingerprint, i)
  ), known as (
    select input.i, k.fingerprint, k.answer
    from input join idempotency_keys k on k.user_id = input.user_id and k.key = input.idempotency_key
  ), fresh as (
    select distinct on (user_id, work) input.* from input
    where not exists (select from known where known.i = input.i)
    order by user_id, work, i
  ), wanted as (
    select user_id, session_id, count(*)::integer as messages from fresh group by user_id, session_id
  ), locked as (
    select s.user_id, s.id, wanted.messages
    from wanted join chat_sessions s on s.user_id = wanted.user_id and s.id = wanted.session_id
    order by s.user_id, s.id
    for update of s
  ), counted as (
    update chat_sessions s
    set message_count = s.message_count + locked.messages, version = s.version + 1,
      updated_at = greatest(s.updated_at, clock_timestamp())
    from locked where s.user_id = locked.user_id and s.id = locked.id
    returning s.user_id, s.id, s.message_count - locked.messages as messages_before, s.model, s.updated_at
  ), numbered as (
    select fresh.*, coalesce(counted.model, fresh.default_model) as chosen_model, counted.updated_at, counted.messages_before,
      (counted.messages_before + row_number() over (partition by fresh.user_id, fresh.session_id order by fresh.i))::integer
        as seq
    from fresh join counted on counted.user_id = fresh.user_id and counted.id = fresh.session_id
  ), started as (
    select user_id, session_id, work, i, idempotency_key, fingerprint, messages_before, jsonb_build_object('turn_id', turn_id,
      'message_id', message_id, 'seq', seq, 'created_at', updated_at, 'model', chosen_model) as answer
    from numbered
  ), turn as (
    insert into chat_turns (user_id, id, session_id, status, owner, model)
    select user_id, turn_id, session_id, 'running', owner, chosen_model from numbered
  ), message as (
    insert into chat_messages (user_id, session_id, seq, id, turn_id, role, content, created_at)
    select user_id, session_id, seq, message_id, turn_id, 'user', content, updated_at from numbered
  ), remembered as (
    insert into idempotency_keys (user_id, key, fingerprint, answer)
    select user_id, idempotency_key, fingerprint, answer from started where idempotency_key is not null
  ), act as (
    insert into activity (user_id, id, kind, key_id, subject_id, ip)
    select user_id, activity_id, 'turn.started', key_id, turn_id, ip from numbered
  )
  select input.i::integer as i, coalesce(known.answer, started.answer) as turn,
    started.i is distinct from input.i as replayed,
    coalesce(known.fingerprint, started.fingerprint) = input.fingerprint as is_same, (
      select json_agg(json_build_object('role', m.role, 'content', m.content) order by m.seq)
      from chat_messages m
      where m.user_id = started.user_id and m.session_id = started.session_id
        and m.seq > started.messages_before - ${contextMessages}::integer and m.seq <= started.messages_before
    ) as history
  from input
  left join known on known.i = input.i
  left join started on started.user_id = input.user_id and started.work = input.work
  where known.i is not null or started.i is not null`;

/** More of an answer while it is written. Also says that the turn's owner lives. */
export interface TurnProgress {
  userId: string;
  turnId: string;
  owner: string;
  /** What was written since the last time; may be empty. */
  addition: string;
}

/** Stores more of the answers that are being written. Index: chat_turns_pkey. A row for each turn that still runs. */
export const saveProgress = (rows: readonly TurnProgress[]) => sql<{ i: number | null }>`
  -- chat.save_progress
  with input as (
    select * from unnest(
      ${rows.map((row) => row.userId)}::uuid[], ${rows.map((row) => row.turnId)}::uuid[],
      ${rows.map((row) => row.owner)}::uuid[], ${rows.map((row) => row.addition)}::text[]
    ) with ordinality as input (user_id, turn_id, owner, addition, i)
  ), locked as (
    select t.user_id, t.id, input.addition, input.i
    from (select * from input order by user_id, turn_id) input
    cross join lateral (
      select user_id, id, owner, status from chat_turns
      where user_id = input.user_id and id = input.turn_id
      limit 1
      for update
    ) t
    where t.owner = input.owner and t.status = 'running'
  )
  update chat_turns t
  set partial = t.partial || locked.addition, heartbeat_at = clock_timestamp()
  from locked where t.user_id = locked.user_id and t.id = locked.id
  returning locked.i::integer as i`;

/** How a turn can end. */
export type TurnEndStatus = 'completed' | 'failed' | 'interrupted';

/** How a turn ended, with the whole answer. */
export interface TurnEnd {
  userId: string;
  sessionId: string;
  turnId: string;
  owner: string;
  status: TurnEndStatus;
  messageId: string;
  /** Everything that was written; when empty, only a completed turn leaves a message. */
  content: string;
  errorCode: string | null;
  promptTokens: number | null;
  completionTokens: number | null;
  activityId: string;
}

/**
 * Ends turns: the answer becomes a message of the session. A turn that no longer runs, or that another process owns,
 * is left alone and gets no row: a late writer is refused. Sessions are locked in the order of their keys, before
 * turns. Indexes: chat_turns_pkey, chat_sessions_pkey.
 */
export const endTurns = (rows: readonly TurnEnd[]) => sql<{
  i: number | null;
  /** Null when there was nothing to store as a message. */
  answer_seq: number | null;
  ended_at: Date;
}>`
  -- chat.end_turns
  with input as (
    select * from unnest(
      ${rows.map((row) => row.userId)}::uuid[], ${rows.map((row) => row.sessionId)}::uuid[],
      ${rows.map((row) => row.turnId)}::uuid[], ${rows.map((row) => row.owner)}::uuid[],
      ${rows.map((row) => row.status)}::text[], ${rows.map((row) => row.messageId)}::uuid[],
      ${rows.map((row) => row.content)}::text[], ${rows.map((row) => row.errorCode)}::text[],
      ${rows.map((row) => row.promptTokens)}::integer[], ${rows.map((row) => row.completionTokens)}::integer[],
      ${rows.map((row) => row.activityId)}::uuid[]
    ) with ordinality as input (user_id, session_id, turn_id, owner, status, message_id, content, error_code,
      prompt_tokens, completion_tokens, activity_id, i)
  ), session as (
    select s.user_id, s.id, s.message_count, greatest(s.updated_at, clock_timestamp())::timestamptz(3) as ended_at
    from (select distinct user_id, session_id from input) wanted
    join chat_sessions s on s.user_id = wanted.user_id and s.id = wanted.session_id
    order by s.user_id, s.id
    for update of s
  ), turn as (
    select t.user_id, t.id, t.model, session.message_count, session.ended_at, input.i
    from input
    join session on session.user_id = input.user_id and session.id = input.session_id
    cross join lateral (
      select user_id, id, session_id, owner, status, model from chat_turns
      where user_id = input.user_id and id = input.turn_id
      limit 1
      for update
    ) t
    where t.session_id = input.session_id and t.owner = input.owner and t.status = 'running'
  ), ending as (
    select input.*, turn.model, turn.ended_at, input.content <> '' or input.status = 'completed' as answers,
      (turn.message_count + count(*) filter (where input.content <> '' or input.status = 'completed')
        over (partition by input.user_id, input.session_id order by input.i))::integer as seq
    from input join turn on turn.i = input.i
  ), ended as (
    update chat_turns t
    set status = ending.status, ended_at = ending.ended_at, partial = '', error_code = ending.error_code,
      prompt_tokens = ending.prompt_tokens, completion_tokens = ending.completion_tokens,
      answer_id = case when ending.answers then ending.message_id end, answer_seq = case when ending.answers then ending.seq end
    from ending where t.user_id = ending.user_id and t.id = ending.turn_id
  ), counted as (
    update chat_sessions s
    set message_count = s.message_count + change.answers, version = s.version + 1, updated_at = change.ended_at
    from (
      select user_id, session_id, max(ended_at) as ended_at, count(*) filter (where answers)::integer as answers
      from ending group by user_id, session_id
    ) change
    where s.user_id = change.user_id and s.id = change.session_id
    returning s.user_id, s.id, s.updated_at
  ), message as (
    insert into chat_messages (user_id, session_id, seq, id, turn_id, role, content, status, model, created_at)
    select user_id, session_id, seq, message_id, turn_id, 'assistant', content,
      case status when 'completed' then 'complete' else 'incomplete' end, model, ended_at
    from ending where answers
  ), act as (
    insert into activity (user_id, id, kind, subject_id)
    select user_id, activity_id, 'turn.' || status, turn_id from ending
  )
  select ending.i::integer as i, case when ending.answers then ending.seq end as answer_seq, counted.updated_at as ended_at
  from ending join counted on counted.user_id = ending.user_id and counted.id = ending.session_id`;

/** A turn whose owner has been silent for too long, with what was stored of its answer. */
export interface DeadTurn {
  user_id: string;
  id: string;
  session_id: string;
  owner: string;
  partial: string;
}

/**
 * The turns of all users whose owner has not been heard of for a while; for the server's own use.
 * Index: chat_turns_running. At most 100 rows.
 */
export const listDeadTurns = (p: { silentMs: number }) => sql<DeadTurn>`
  -- chat.list_dead_turns
  select user_id, id, session_id, owner, partial
  from chat_turns
  where status = 'running' and heartbeat_at < clock_timestamp() - make_interval(secs => ${p.silentMs}::double precision / 1000)
  order by heartbeat_at
  limit 100`;

/** A turn, as stored. */
export interface TurnRow {
  id: string;
  session_id: string;
  status: string;
  model: string;
  error_code: string | null;
  prompt_tokens: number | null;
  completion_tokens: number | null;
  /** The answer's message, once it is one. */
  answer_id: string | null;
  answer_seq: number | null;
  answer: string | null;
  created_at: Date;
  ended_at: Date | null;
}

/** One turn of a session, with its answer. Indexes: chat_turns_pkey, chat_messages_pkey. One row or none. */
export const findTurn = (p: { userId: string; sessionId: string; turnId: string }) => sql<TurnRow>`
  -- chat.find_turn
  select t.id, t.session_id, t.status, t.model, t.error_code, t.prompt_tokens, t.completion_tokens, t.answer_id, t.answer_seq,
    m.content as answer, t.created_at, t.ended_at
  from chat_turns t
  left join chat_messages m on m.user_id = t.user_id and m.session_id = t.session_id and m.seq = t.answer_seq
  where t.user_id = ${p.userId}::uuid and t.id = ${p.turnId}::uuid and t.session_id = ${p.sessionId}::uuid`;
