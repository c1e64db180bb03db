-- Whether a user may have one more key: has fewer than so many that work. For the statement that makes it, and holds the
-- others that would make one until it is done: each begins to count when the one before has ended, for what a volatile
-- function reads is what is committed by then, not what was when its statement began. Indexes: users_pkey, api_keys_pkey.
create function api_key_is_allowed(owner_id uuid, max_keys integer) returns boolean language plpgsql as $$
begin
  perform from users where user_id = owner_id for no key update;
  return (
    select count(*) < max_keys from (
      select from api_keys
      where user_id = owner_id and revoked_at is null and (expires_at is null or expires_at > now())
      limit max_keys
    ) as working
  );
end $$;
