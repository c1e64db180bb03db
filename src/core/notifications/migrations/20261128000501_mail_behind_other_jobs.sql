-- As before, but the mail ranks behind other jobs (smaller numbers run first): with a mail server that is slow or says
-- nothing, each mail keeps a worker for seconds, and all that was enqueued after it would wait for that.
create or replace function notify_user(
  told_user uuid, new_id uuid, new_kind text, new_title text, new_body text, new_data jsonb
)
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
      'notifications.send_mail', json_build_object('user_id', told_user, 'id', due.id), priority => 10
    ) as job
  )
  select note.id from note left join mail on true
$$;
