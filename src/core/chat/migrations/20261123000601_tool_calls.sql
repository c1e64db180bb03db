-- As text, not jsonb: models write characters that jsonb refuses, and the order of keys is part of what they said.
alter table chat_messages add column tool_calls json;
-- The built-in offline model stood in for the one that was asked for.
alter table chat_messages add column degraded boolean not null default false;

-- The tool calls so far, while the turn runs; null once they belong to a message.
alter table chat_turns add column tool_calls json;
-- The length of each piece in which the answer came, in UTF-16 units: with the text, all that its events are made of.
alter table chat_turns add column delta_chars integer[] not null default '{}';
-- The message that the turn answers.
alter table chat_turns add column question_seq integer;
update chat_turns t set question_seq = m.seq
from chat_messages m
where m.user_id = t.user_id and m.session_id = t.session_id and m.turn_id = t.id and m.role = 'user';
