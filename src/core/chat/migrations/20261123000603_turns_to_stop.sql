-- no transaction
-- Where a server looks for turns of its own that users have stopped; empty, but for a moment now and then.
drop index concurrently if exists chat_turns_to_stop;
create index concurrently chat_turns_to_stop on chat_turns (owner) where stop_requested;
