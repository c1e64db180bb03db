-- The name that a request gives to its claim of an Idempotency-Key, by which the claim is found when the reply to it was lost.
alter table idempotency_keys add column claim uuid;
