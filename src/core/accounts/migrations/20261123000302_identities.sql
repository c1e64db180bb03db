-- Who a user is at an identity provider. An account is (issuer, subject), never an e-mail address.
create table identities (
  user_id uuid not null references users (user_id) on delete cascade,
  issuer text not null,
  subject text not null,
  created_at timestamptz(3) not null default now(),
  primary key (user_id, issuer, subject),
  constraint identities_issuer_subject_key unique (issuer, subject)
);
