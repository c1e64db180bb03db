-- 100,000 items of 10,000 users.
insert into todo.items (user_id, id, title, due_on, done_at)
select ('00000001' || lpad(to_hex(n % 10000), 24, '0'))::uuid, ('00000701' || lpad(to_hex(n), 24, '0'))::uuid,
  'Item ' || n, case when n % 3 > 0 then date '2026-01-01' + n % 365 end, case when n % 4 = 0 then now() end
from generate_series(0, 99999) n;
