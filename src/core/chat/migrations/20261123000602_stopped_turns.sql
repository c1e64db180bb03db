alter table chat_turns drop constraint chat_turns_status;
alter table chat_turns add constraint chat_turns_status
  check (status in ('running', 'completed', 'failed', 'interrupted', 'stopped'));
-- The user wants it to end; its owner looks for this. False again when it has ended.
alter table chat_turns add column stop_requested boolean not null default false;
-- The turn that answers the same message again.
alter table chat_turns add column retried_by uuid;
-- What its user was told of why it failed.
alter table chat_turns add column error_message text;
