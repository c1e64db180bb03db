-- no transaction
-- The jobs about a user, who may be erased before they run.
drop index concurrently if exists graphile_worker.jobs_of_user;
create index concurrently jobs_of_user on graphile_worker._private_jobs ((payload ->> 'user_id'));
