-- 100,000 expenses, 20,000 budgets and as many planned days of 10,000 users, each of whom has settings.
insert into pam.expenses (user_id, id, amount_minor, currency, category, spent_on)
select ('00000001' || lpad(to_hex(n % 10000), 24, '0'))::uuid, ('00001001' || lpad(to_hex(n), 24, '0'))::uuid,
  1 + n % 5000, case when n % 3 = 0 then 'SEK' else 'EUR' end, 'category ' || n % 7, date '2026-01-01' + n % 365
from generate_series(0, 99999) n;

insert into pam.budgets (user_id, category, currency, amount_minor)
select ('00000001' || lpad(to_hex(n % 10000), 24, '0'))::uuid, 'category ' || n % 7, 'EUR', 30000
from generate_series(0, 19999) n;

insert into pam.trip_days (user_id, day, place, stops)
select ('00000001' || lpad(to_hex(n % 10000), 24, '0'))::uuid, date '2026-01-01' + n / 10000, 'Place ' || n, '[]'
from generate_series(0, 19999) n;

insert into pam.settings (user_id, currency, time_zone)
select ('00000001' || lpad(to_hex(n), 24, '0'))::uuid, 'SEK', 'Europe/Stockholm' from generate_series(0, 10000 - 1) n;
