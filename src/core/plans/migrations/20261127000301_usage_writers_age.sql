-- When each process last wrote usage: one that was killed leaves its row, which is removed when it cannot matter any more.
alter table usage_writers add column written_at timestamptz(3) not null default now();
