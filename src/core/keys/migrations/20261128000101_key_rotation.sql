-- Null until another key takes its place; then when it was to expire until that day, `infinity` if never.
alter table api_keys add column planned_expires_at timestamptz(3);

-- Whether a key of this end and these networks, null being for ever and anywhere, is no wider than another.
create function api_key_is_within(
  expires_at timestamptz, ip_allowlist text[], own_expires_at timestamptz, own_networks inet[]
) returns boolean language sql stable as $$
  select (own_expires_at is null or coalesce(expires_at <= own_expires_at, false))
    and (own_networks is null or ip_allowlist is not null and not exists (
      select from unnest(ip_allowlist) as network where not network::inet <<= any (own_networks)
    ))
$$;
