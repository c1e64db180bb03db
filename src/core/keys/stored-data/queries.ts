import { sql } from '../../../platform/postgres/index.ts';
import type { KeyRow } from '../queries.ts';

/** A page of a user's keys, revoked ones too, without what the server knows them by. Index: api_keys_pkey. At most `limit` rows. */
export const exportKeys = (p: { userId: string; afterId: string; limit: number }) => sql<
  KeyRow & { revoked_at: Date | null }
>`
  -- keys.export_keys
  select id, name, prefix, permissions, ip_allowlist, created_at, expires_at, revoked_at, last_used_at from api_keys
  where user_id = ${p.userId}::uuid and id > ${p.afterId}::uuid
  order by id
  limit ${p.limit}::integer`;
