-- An e-mail address tells where to write to; it never tells who somebody is. Settings are the client's own.
alter table users
  add column email text,
  add column email_verified boolean not null default false,
  add column settings jsonb not null default '{}';
