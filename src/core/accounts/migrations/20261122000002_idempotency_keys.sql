-- What a request with an Idempotency-Key came to, written by the statement that did its work. Kept for a day.
create table idempotency_keys (
  user_id uuid not null references users (user_id) on delete cascade,
  key text not null,
  -- SHA-256 of the method, the path and the body, by which a reused key is told from a repeated request.
  fingerprint bytea not null,
  -- What the answer is made of; null while the work is under way.
  answer jsonb,
  created_at timestamptz(3) not null default now(),
  primary key (user_id, key)
);

-- What is older than a day.
create index idempotency_keys_age on idempotency_keys (created_at);
