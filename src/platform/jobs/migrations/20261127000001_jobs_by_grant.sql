-- graphile-worker shows the rows of its tables to their owner alone. Here those may see them who were granted to, as of
-- every other table: a server whose role does not own the schema has to enqueue jobs and to do them.
do $$
declare
  name text;
begin
  for name in
    select c.relname from pg_class c
    where c.relnamespace = 'graphile_worker'::regnamespace and c.relkind = 'r' and c.relrowsecurity
  loop
    execute format('create policy evenkeel_by_grant on graphile_worker.%I using (true)', name);
  end loop;
end $$;
