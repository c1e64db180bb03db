-- no transaction
-- Operators look for users by how a name begins, whatever the database's collation.
drop index concurrently if exists users_name_start;
create index concurrently users_name_start on users (username collate "C");
