-- The code by which a user refers others: 48 random bits. The default is set after the column is there, so that the table
-- is not rewritten under a lock.
alter table users add column referral_code text;
alter table users alter column referral_code set default substr(replace(gen_random_uuid()::text, '-', ''), 1, 12);
update users set referral_code = default where referral_code is null;
