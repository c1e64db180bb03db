-- By month, so that what is too old goes with its table. Ids are UUIDv7: a range of ids is a range of time, and the primary
-- key stays what it was.
alter table activity rename to activity_before;
alter table activity_before rename constraint activity_pkey to activity_before_pkey;

create table activity (
  user_id uuid not null references users (user_id) on delete cascade,
  id uuid not null,
  kind text not null,
  -- The key that acted; kept after the key is gone.
  key_id uuid,
  -- What was acted on: a key, a session, a turn.
  subject_id uuid,
  -- Where the request came from.
  ip inet,
  created_at timestamptz(3) not null default now(),
  primary key (user_id, id)
) partition by range (id);

-- Takes what no month takes, so that no request fails for want of a partition.
create table activity_rest partition of activity default;

-- The smallest UUIDv7 of an instant.
create function activity_first_id(at timestamptz) returns uuid language sql immutable return
  (lpad(to_hex((extract(epoch from at) * 1000)::bigint), 12, '0') || repeat('0', 20))::uuid;

-- Makes the partitions of this month (UTC) and of the next ones where they are missing, moving in what waits in
-- activity_rest. Answers how many it made. Runs as its owner: the server's role need not be able to change the schema.
create function activity_make_partitions(months_ahead integer) returns integer
language plpgsql security definer set search_path = public, pg_temp set timezone = 'UTC' set lock_timeout = '2s' as $$
declare
  this_month timestamptz := date_trunc('month', now());
  first_at timestamptz;
  first_id uuid;
  end_id uuid;
  name text;
  made integer := 0;
begin
  for ahead in 0..months_ahead loop
    first_at := this_month + make_interval(months => ahead);
    first_id := activity_first_id(first_at);
    end_id := activity_first_id(first_at + interval '1 month');
    name := 'activity_' || to_char(first_at, 'YYYY_MM');
    continue when to_regclass('public.' || name) is not null;
    execute format('create table public.%I (like public.activity including defaults)', name);
    execute format(
      'with moved as (delete from public.activity_rest where id >= %L and id < %L returning *)
       insert into public.%I select * from moved', first_id, end_id, name);
    execute format('alter table public.activity attach partition public.%I for values from (%L) to (%L)',
      name, first_id, end_id);
    made := made + 1;
  end loop;
  return made;
end $$;

-- Drops the partitions of months that ended so many days ago or earlier, and what of that time is in activity_rest.
-- Answers how many partitions went.
create function activity_drop_old(keep_days integer) returns integer
language plpgsql security definer set search_path = public, pg_temp set timezone = 'UTC' set lock_timeout = '2s' as $$
declare
  oldest timestamptz := now() - make_interval(days => keep_days);
  name text;
  dropped integer := 0;
begin
  for name in
    select c.relname from pg_inherits i join pg_class c on c.oid = i.inhrelid
    where i.inhparent = 'public.activity'::regclass and c.relname ~ '^activity_\d{4}_\d{2}$'
      and to_date(right(c.relname, 7), 'YYYY_MM') + interval '1 month' <= oldest
  loop
    execute format('drop table public.%I', name);
    dropped := dropped + 1;
  end loop;
  delete from activity_rest where id < activity_first_id(oldest);
  return dropped;
end $$;

select activity_make_partitions(2);
insert into activity select * from activity_before;
drop table activity_before;
