-- What a user asked of models, by day (UTC) and by the name that answered.
create table usage_days (
  user_id uuid not null references users (user_id) on delete cascade,
  day date not null,
  model text not null,
  requests integer not null,
  prompt_tokens bigint not null,
  completion_tokens bigint not null,
  primary key (user_id, day, model)
);

-- The last batch of usage that each server process wrote. A batch whose outcome was unknown is sent again, and counts once.
create table usage_writers (
  id uuid primary key,
  batch bigint not null
);
