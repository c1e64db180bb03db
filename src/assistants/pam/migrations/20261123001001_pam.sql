create schema pam;

-- What a user spent: an amount in the smallest unit of its currency, on a day where the user lives.
create table pam.expenses (
  user_id uuid not null references users (user_id) on delete cascade,
  id uuid not null,
  amount_minor bigint not null constraint expenses_amount_check check (amount_minor > 0),
  currency text not null,
  category text not null,
  note text,
  spent_on date not null,
  created_at timestamptz(3) not null default now(),
  updated_at timestamptz(3) not null default now(),
  primary key (user_id, id)
);

-- A user's expenses by day.
create index expenses_by_day on pam.expenses (user_id, spent_on, id);

-- What a user means to spend on a category in a month.
create table pam.budgets (
  user_id uuid not null references users (user_id) on delete cascade,
  category text not null,
  currency text not null,
  amount_minor bigint not null constraint budgets_amount_check check (amount_minor > 0),
  primary key (user_id, category, currency)
);

-- The plan of a day on a trip.
create table pam.trip_days (
  user_id uuid not null references users (user_id) on delete cascade,
  day date not null,
  place text not null,
  stops jsonb not null,
  primary key (user_id, day)
);

-- How a user counts; a user without a row counts in euro and UTC.
create table pam.settings (
  user_id uuid primary key references users (user_id) on delete cascade,
  currency text not null,
  time_zone text not null,
  language text
);
