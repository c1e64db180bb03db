import { sql } from '../../../platform/postgres/index.ts';

/** A page of those whom a user referred. Index: referrals_pkey. At most `limit` rows. */
export const exportReferrals = (p: { userId: string; afterId: string; limit: number }) => sql<{
  referred_user_id: string;
  status: string;
  created_at: Date;
  rewarded_at: Date | null;
}>`
  -- referrals.export_referrals
  select referred_user_id, status, created_at, rewarded_at from referrals
  where user_id = ${p.userId}::uuid and referred_user_id > ${p.afterId}::uuid
  order by referred_user_id
  limit ${p.limit}::integer`;

/** How a user came who signed up by another's code, but not by whose. Index: referrals_referred_user_id_key. One row or none. */
export const exportReferredBy = (p: { userId: string; limit: number }) => sql<{
  status: string;
  created_at: Date;
  rewarded_at: Date | null;
}>`
  -- referrals.export_referred_by
  select status, created_at, rewarded_at from referrals
  where referred_user_id = ${p.userId}::uuid
  limit ${p.limit}::integer`;

/** A page of what a user was given. Index: rewards_pkey. At most `limit` rows. */
export const exportRewards = (p: { userId: string; afterId: string; limit: number }) => sql<{
  id: string;
  tokens: number;
  referred_user_id: string | null;
  created_at: Date;
}>`
  -- referrals.export_rewards
  select id, tokens, referred_user_id, created_at from rewards
  where user_id = ${p.userId}::uuid and id > ${p.afterId}::uuid
  order by id
  limit ${p.limit}::integer`;
