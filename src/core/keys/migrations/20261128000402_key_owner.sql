-- As before, but null where there is no such user, or one who is being erased: whoever waited for the user's row finds what
-- became of it.
create or replace function api_key_is_allowed(owner_id uuid, max_keys integer) returns boolean language plpgsql as $$
begin
  perform from users where user_id = owner_id and username <> erased_username(owner_id) for no key update;
  if not found then
    return null;
  end if;
  return (
    select count(*) < max_keys from (
      select from api_keys
      where user_id = owner_id and revoked_at is null and (expires_at is null or expires_at > now())
      limit max_keys
    ) as working
  );
end $$;
