-- What a user looks for by its kind, without going through a long trail. The kinds are left out that are most of a trail
-- and found at once: with them every turn would write two entries more, and every session one.
--
-- Who writes activity waits while it is made, about a second for each million rows. Whoever has many millions makes it on each
-- partition first, by `create index concurrently … on activity_2026_11 (user_id, kind, id) where …` with the same condition:
-- this takes those over.
create index activity_rare_kinds on activity (user_id, kind, id) where kind not in ('turn.started', 'turn.completed', 'session.created');
