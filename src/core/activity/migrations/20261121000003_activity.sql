-- The audit trail. Ids are UUIDv7, so the primary key is also the order of time.
create table activity (
  user_id uuid not null references users (user_id) on delete cascade,
  id uuid not null,
  kind text not null,
  -- The key that acted; kept after the key is gone.
  key_id uuid,
  -- What was acted on: a key, a session, a turn.
  subject_id uuid,
  -- Where the request came from.
  ip inet,
  created_at timestamptz(3) not null default now(),
  primary key (user_id, id)
);
