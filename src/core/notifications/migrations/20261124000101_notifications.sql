create table notifications (
  user_id uuid not null references users (user_id) on delete cascade,
  id uuid not null,
  kind text not null,
  title text not null,
  body text not null,
  -- What a client may link to.
  data jsonb not null default '{}',
  -- Whether the user sees it in the list; one that is only for mail is kept until that was sent, and after.
  in_app boolean not null,
  read_at timestamptz(3),
  -- When the mail server took it.
  mailed_at timestamptz(3),
  created_at timestamptz(3) not null default now(),
  primary key (user_id, id)
);

-- What a user has not read.
create index notifications_unread on notifications (user_id, id) where read_at is null and in_app;

-- Where a user wants to be told of what; both where there is no row.
create table notification_preferences (
  user_id uuid not null references users (user_id) on delete cascade,
  kind text not null,
  in_app boolean not null,
  email boolean not null,
  primary key (user_id, kind)
);

-- Tells a user something, as the user wants to be told: in the list, by mail to a verified address, or not at all. For the
-- statement that does what is told of. Its id makes it happen once. Answers the id, or null when it told nothing.
create function notify_user(told_user uuid, new_id uuid, new_kind text, new_title text, new_body text, new_data jsonb)
returns uuid language sql as $$
  with wish as (
    select coalesce(p.in_app, true) as in_app, coalesce(p.email, true) and u.email_verified as email
    from users u
    left join notification_preferences p on p.user_id = u.user_id and p.kind = new_kind
    where u.user_id = told_user
  ), note as (
    insert into notifications (user_id, id, kind, title, body, data, in_app)
    select told_user, new_id, new_kind, new_title, new_body, new_data, wish.in_app from wish
    where wish.in_app or wish.email
    on conflict (user_id, id) do nothing
    returning id
  ), due as materialized (
    -- On its own: Postgres may call a function first and look at a condition beside it after.
    select note.id from note, wish where wish.email
  ), mail as (
    select job.id
    from due, graphile_worker.add_job(
      'notifications.send_mail', json_build_object('user_id', told_user, 'id', due.id)
    ) as job
  )
  select note.id from note left join mail on true
$$;
