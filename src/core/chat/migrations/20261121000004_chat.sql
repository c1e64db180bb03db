create table chat_sessions (
  user_id uuid not null references users (user_id) on delete cascade,
  id uuid not null,
  title text,
  assistant text,
  model text,
  -- Messages so far, and so the seq of the last one.
  message_count integer not null default 0,
  -- Grows with every change that a reader can see; the ETag of the session and its history.
  version bigint not null default 1,
  created_at timestamptz(3) not null default clock_timestamp(),
  -- Never goes back: a message takes its time from here, so that time order is seq order.
  updated_at timestamptz(3) not null default clock_timestamp(),
  primary key (user_id, id)
);

-- Newest activity first, page by page.
create index chat_sessions_recent on chat_sessions (user_id, updated_at desc, id desc);

create table chat_turns (
  user_id uuid not null,
  id uuid not null,
  session_id uuid not null,
  status text not null constraint chat_turns_status check (status in ('running', 'completed', 'failed', 'interrupted')),
  -- The server process that runs it; only that one may write to it.
  owner uuid not null,
  -- When the owner last said that it lives.
  heartbeat_at timestamptz(3) not null default clock_timestamp(),
  model text not null,
  -- The answer as far as it was stored while it ran; empty once it is a message.
  partial text not null default '',
  error_code text,
  prompt_tokens integer,
  completion_tokens integer,
  -- The message that the answer became.
  answer_id uuid,
  answer_seq integer,
  created_at timestamptz(3) not null default clock_timestamp(),
  ended_at timestamptz(3),
  primary key (user_id, id),
  foreign key (user_id, session_id) references chat_sessions (user_id, id) on delete cascade
);

-- What the deletion of a session looks for.
create index chat_turns_session on chat_turns (session_id);
-- The search for turns whose owner died; small, for it holds only what runs.
create index chat_turns_running on chat_turns (heartbeat_at) where status = 'running';

create table chat_messages (
  user_id uuid not null,
  session_id uuid not null,
  -- From 1 without gaps: the session's row is locked while one is added.
  seq integer not null,
  id uuid not null,
  turn_id uuid,
  role text not null constraint chat_messages_role check (role in ('user', 'assistant')),
  content text not null,
  status text not null default 'complete' constraint chat_messages_status check (status in ('complete', 'incomplete')),
  model text,
  created_at timestamptz(3) not null,
  primary key (user_id, session_id, seq),
  foreign key (user_id, session_id) references chat_sessions (user_id, id) on delete cascade
);

-- Turns a time into the seq from which a page starts.
create index chat_messages_time on chat_messages (user_id, session_id, created_at, seq);
create statistics chat_messages_session (dependencies) on user_id, session_id from chat_messages;
