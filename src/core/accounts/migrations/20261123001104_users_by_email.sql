-- no transaction
-- Operators look for users by a whole address. Several may have one: it says who nobody is.
drop index concurrently if exists users_email;
create index concurrently users_email on users (lower(email), user_id);
