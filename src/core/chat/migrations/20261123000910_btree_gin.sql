-- Lets a GIN index begin with a uuid: the words of messages are found within their user. Comes with Postgres, and is trusted.
create extension if not exists btree_gin;
