-- no transaction
-- To find the words of a long text that `_`, `@`, `/`, `~`, `<` or `-` hold together, as in an address, a path, a tag or a
-- compound, takes Postgres a time that grows with the square of its length: seconds, in which the same statement stores no
-- message of others either. So words are divided at these.
drop index concurrently if exists chat_messages_words_divided;
create index concurrently chat_messages_words_divided on chat_messages
  using gin (user_id, to_tsvector('simple', translate(left(content, 20000), '_@/~<-', ',,,,,,')))
  with (gin_pending_list_limit = 512);
drop index concurrently if exists chat_messages_words;
alter index chat_messages_words_divided rename to chat_messages_words;
