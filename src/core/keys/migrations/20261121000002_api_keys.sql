create table api_keys (
  user_id uuid not null references users (user_id) on delete cascade,
  id uuid not null,
  -- SHA-256 of the key; the key itself is stored nowhere.
  hash bytea not null constraint api_keys_hash_key unique,
  -- The first characters of the key, by which its owner recognises it.
  prefix text not null,
  name text not null,
  permissions text[] not null,
  created_at timestamptz(3) not null default now(),
  expires_at timestamptz(3),
  revoked_at timestamptz(3),
  primary key (user_id, id)
);
