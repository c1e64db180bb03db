import { sql } from '../../../platform/postgres/index.ts';

/** A user's account, for its export. Index: users_pkey. One row or none. */
export const exportUser = (p: { userId: string; limit: number }) => sql<{
  username: string;
  email: string | null;
  email_verified: boolean;
  plan: string;
  settings: unknown;
  referral_code: string | null;
  disabled_at: Date | null;
  created_at: Date;
}>`
  -- accounts.export_user
  select username, email, email_verified, plan, settings, referral_code, disabled_at, created_at
  from users where user_id = ${p.userId}::uuid
  limit ${p.limit}::integer`;

/** A user's identities. Index: identities_pkey. At most `limit` rows: there is one. */
export const exportIdentities = (p: { userId: string; limit: number }) => sql<{
  issuer: string;
  subject: string;
  created_at: Date;
}>`
  -- accounts.export_identities
  select issuer, subject, created_at from identities where user_id = ${p.userId}::uuid limit ${p.limit}::integer`;

/** A page of a user's sign-ins that were refreshed or ended. Index: refresh_families_pkey. At most `limit` rows. */
export const exportSignIns = (p: { userId: string; afterId: string; limit: number }) => sql<{
  id: string;
  generation: number;
  expires_at: Date;
  revoked_at: Date | null;
}>`
  -- accounts.export_sign_ins
  select id, generation, expires_at, revoked_at from refresh_families
  where user_id = ${p.userId}::uuid and id > ${p.afterId}::uuid
  order by id
  limit ${p.limit}::integer`;

/** Erases some of the answers kept for a user. Index: idempotency_keys_pkey. A row for each, at most `limit`. */
export const eraseIdempotencyKeys = (p: { userId: string; limit: number }) => sql<{ key: string }>`
  -- accounts.erase_idempotency_keys
  delete from idempotency_keys
  where user_id = ${p.userId}::uuid and key = any (array(
    -- A number that the planner does not see: it would sort all rows of a user who it thinks has few, for each page.
    select key from idempotency_keys where user_id = ${p.userId}::uuid order by key
    limit (select ${p.limit}::integer)
  ))
  returning key`;
