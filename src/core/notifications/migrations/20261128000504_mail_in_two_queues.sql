-- As before, but each mail is in one of two queues. A queue's jobs are done one after the other, so that of all workers of all
-- servers mail keeps two, as many as there are connections to the mail server, and not every one when that says nothing. A
-- mail that failed gives way to the next of its queue until it is tried again.
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
      'notifications.send_mail', json_build_object('user_id', told_user, 'id', due.id),
      -- By the last byte of the id, which is random.
      queue_name => 'mail ' || get_byte(uuid_send(due.id), 15) % 2, priority => 10
    ) as job
  )
  select note.id from note left join mail on true
$$;

-- They are there from the start: statements that made both at once, in another order, would wait for each other.
insert into graphile_worker._private_job_queues (queue_name) values ('mail 0'), ('mail 1') on conflict do nothing;

-- A worker that has done a job looks for the next one before its queue is free again, finds none, and looks again in 2 s. As
-- when a job is added, one is told when there is something to find.
create function tell_free_queue() returns trigger language plpgsql as $$
begin
  perform pg_notify('jobs:insert', '{"count":1}');
  return null;
end $$;
create trigger tell_free_queue after update of locked_at on graphile_worker._private_job_queues
  for each row when (old.locked_at is not null and new.locked_at is null) execute function tell_free_queue();
