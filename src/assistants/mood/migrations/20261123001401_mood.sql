create schema mood;

-- How a user felt, in the user's words, and how that was read.
create table mood.entries (
  user_id uuid not null references users (user_id) on delete cascade,
  id uuid not null,
  mood_text text not null,
  mood text not null,
  score double precision not null constraint entries_score_check check (score between -1 and 1),
  confidence double precision not null constraint entries_confidence_check check (confidence between 0 and 1),
  language text not null,
  source text not null constraint entries_source_check check (source in ('model', 'lexicon')),
  felt_at timestamptz(3) not null,
  created_at timestamptz(3) not null default now(),
  primary key (user_id, id)
);

-- A user's entries, the latest first.
create index entries_felt on mood.entries (user_id, felt_at desc, id desc);
