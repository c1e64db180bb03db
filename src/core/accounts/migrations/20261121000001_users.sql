-- An account. Its key is (user_id), the first column of the key of everything that it owns.
create table users (
  user_id uuid primary key,
  username text not null constraint users_username_key unique,
  plan text not null default 'free',
  disabled_at timestamptz(3),
  created_at timestamptz(3) not null default now()
);
