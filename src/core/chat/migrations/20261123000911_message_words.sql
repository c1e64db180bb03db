-- no transaction
-- Which messages of a user hold which words. Only so much of a message: a text vector has a bound of its own, and a very long
-- message must not take long to store. The list of what is not sorted in yet is kept short, so that sorting it in, which one
-- of those who store messages does for all, is soon done.
drop index concurrently if exists chat_messages_words;
create index concurrently chat_messages_words on chat_messages
  using gin (user_id, to_tsvector('simple', left(content, 20000))) with (gin_pending_list_limit = 512);
