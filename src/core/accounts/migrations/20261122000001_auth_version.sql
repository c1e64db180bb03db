-- Grows with every change of what the user, or a key of the user, may do, in the statement that makes the change. Caches
-- tell by it whether what they hold is from before the change.
alter table users add column auth_version bigint not null default 1;
