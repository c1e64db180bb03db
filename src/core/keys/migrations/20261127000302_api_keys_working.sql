-- no transaction
-- A user's keys that are not revoked, however many were: for the page of them, and for api_key_is_allowed.
drop index concurrently if exists api_keys_working;
create index concurrently api_keys_working on api_keys (user_id, id) where revoked_at is null;
-- Since when a key does not work, for whoever removes those that have not for long.
drop index concurrently if exists api_keys_ended;
create index concurrently api_keys_ended on api_keys (least(revoked_at, expires_at))
  where least(revoked_at, expires_at) is not null;
