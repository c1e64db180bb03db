-- no transaction
drop index concurrently if exists users_referral_code_key;
create unique index concurrently users_referral_code_key on users (referral_code);
