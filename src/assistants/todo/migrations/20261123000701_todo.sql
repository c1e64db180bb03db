create schema todo;

-- What a user means to do.
create table todo.items (
  user_id uuid not null references users (user_id) on delete cascade,
  id uuid not null,
  title text not null,
  due_on date,
  priority text not null default 'normal' constraint items_priority_check check (priority in ('low', 'normal', 'high')),
  done_at timestamptz(3),
  created_at timestamptz(3) not null default now(),
  updated_at timestamptz(3) not null default now(),
  primary key (user_id, id)
);

-- A user's items, what is due first; those without a day last.
create index items_due on todo.items (user_id, (coalesce(due_on, 'infinity'::date)), id);
