-- no transaction
-- The sign-ins of a user that were ended lately: whatever is asked of a user who is not cached looks for them.
drop index concurrently if exists refresh_families_ended;
create index concurrently refresh_families_ended on refresh_families (user_id, revoked_at) where revoked_at is not null;
-- Those that expired, of which each refresh and sign-out forgets some. With the id, which is all that is read of them.
drop index concurrently if exists refresh_families_expiry;
create index concurrently refresh_families_expiry on refresh_families (user_id, expires_at, id);
