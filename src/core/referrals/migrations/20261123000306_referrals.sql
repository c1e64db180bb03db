-- Who signed up with whose code. The user is the referrer.
create table referrals (
  user_id uuid not null references users (user_id) on delete cascade,
  referred_user_id uuid not null constraint referrals_referred_user_id_key unique
    references users (user_id) on delete cascade,
  status text not null default 'pending' check (status in ('pending', 'rewarded')),
  created_at timestamptz(3) not null default now(),
  rewarded_at timestamptz(3),
  primary key (user_id, referred_user_id)
);
