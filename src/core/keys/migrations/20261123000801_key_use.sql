alter table api_keys
  -- The addresses and networks that the key may be used from, as its owner wrote them; null means anywhere.
  add column ip_allowlist text[],
  -- When it was last used, to about a minute.
  add column last_used_at timestamptz(3);
