-- What a user is called from the moment on at which erasing has begun: by this, and nothing else, one is known who is being
-- erased. No username that anybody can choose is as long.
create function erased_username(user_id uuid) returns text language sql immutable return 'erased-' || user_id::text;
