-- no transaction
-- The search for turns whose owner died, without the time of its last sign of life in the index. Progress is stored several
-- times a second for each turn; where no indexed column changes and its page has room, Postgres writes to no index then.
drop index concurrently if exists chat_turns_owned;
create index concurrently chat_turns_owned on chat_turns (owner) where status = 'running';
drop index concurrently if exists chat_turns_running;
alter table chat_turns set (fillfactor = 70);
