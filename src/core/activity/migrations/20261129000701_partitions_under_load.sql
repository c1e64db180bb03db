-- As before, but for servers that are busy: whoever adds activity waits while a partition is made, or would be refused by
-- activity_rest, chosen before; and a month of which much waits there is left there, for moving it takes longer than anybody
-- waits. It goes when it is too old.
create or replace function activity_make_partitions(months_ahead integer) returns integer
language plpgsql security definer set search_path = public, pg_temp set timezone = 'UTC' set lock_timeout = '100ms' as $$
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
    -- Ten thousand rows are moved in a tenth of a second.
    continue when exists (select from activity_rest where id >= first_id and id < end_id offset 10000);
    -- What attaching locks of both, and in the order of statements that write to both.
    lock table only users, only activity in share row exclusive mode;
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

-- As before, but of what is too old in activity_rest it deletes ten thousand rows at most, which is over in a moment. Answers
-- how many partitions and such rows went.
create or replace function activity_drop_old(keep_days integer) returns integer
language plpgsql security definer set search_path = public, pg_temp set timezone = 'UTC' set lock_timeout = '100ms' as $$
declare
  oldest timestamptz := now() - make_interval(days => keep_days);
  name text;
  dropped integer := 0;
  deleted integer;
begin
  for name in
    select c.relname from pg_inherits i join pg_class c on c.oid = i.inhrelid
    where i.inhparent = 'public.activity'::regclass and c.relname ~ '^activity_\d{4}_\d{2}$'
      and to_date(right(c.relname, 7), 'YYYY_MM') + interval '1 month' <= oldest
  loop
    execute format('drop table public.%I', name);
    dropped := dropped + 1;
  end loop;
  -- Planned each time: a plan from when the table was empty looks through all ten thousand for each of its rows.
  execute 'delete from public.activity_rest
    where ctid = any (array(select ctid from public.activity_rest where id < public.activity_first_id($1) limit 10000))'
    using oldest;
  get diagnostics deleted = row_count;
  return dropped + deleted;
end $$;
