-- 100,000 entries of 10,000 users.
insert into mood.entries (user_id, id, mood_text, mood, score, confidence, language, source, felt_at)
select ('00000001' || lpad(to_hex(n % 10000), 24, '0'))::uuid, ('00000e01' || lpad(to_hex(n), 24, '0'))::uuid,
  'I feel like ' || n, 'neutral', 0, 0.5, 'en', case when n % 4 = 0 then 'lexicon' else 'model' end,
  timestamptz '2026-01-01' + make_interval(mins => n)
from generate_series(0, 99999) n;
