-- no transaction
-- What the erasing of a user looks for.
drop index concurrently if exists rewards_referred_user;
create index concurrently rewards_referred_user on rewards (referred_user_id);
