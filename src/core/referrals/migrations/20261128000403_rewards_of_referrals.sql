-- The newcomer whom the user referred and was given it for; null for one's own sign-up by a code. It goes with that account:
-- else one identity that signs up, erases its account and signs up again would bring another user a reward each time.
alter table rewards add column referred_user_id uuid references users (user_id) on delete cascade;
