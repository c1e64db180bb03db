-- Who works on jobs. What a worker has locked is given back when it has not been seen for a while: it died.
create table job_workers (
  -- The name under which it locks jobs.
  id text primary key,
  seen_at timestamptz(3) not null
);

-- The tables of graphile-worker are there: they are made before our migrations. What runs; small.
create index jobs_running on graphile_worker._private_jobs (locked_at) where locked_at is not null;
-- What was set aside after its attempts.
create index jobs_set_aside on graphile_worker._private_jobs (id) where attempts >= max_attempts and locked_at is null;
