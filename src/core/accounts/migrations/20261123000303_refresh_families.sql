-- The refresh tokens that follow one another from a sign-in. Only ids and counts: the tokens are signed, not stored. There
-- is a row from the first refresh or sign-out on.
create table refresh_families (
  user_id uuid not null references users (user_id) on delete cascade,
  id uuid not null,
  -- That of the one token which may be used; an older one was used before.
  generation integer not null,
  expires_at timestamptz(3) not null,
  revoked_at timestamptz(3),
  primary key (user_id, id)
);
