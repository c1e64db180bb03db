-- Tokens given to a user for a referral, beside those of the plan.
create table rewards (
  user_id uuid not null references users (user_id) on delete cascade,
  id uuid not null,
  tokens bigint not null check (tokens > 0),
  created_at timestamptz(3) not null default now(),
  primary key (user_id, id)
);
