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

/** A page of what a user was given. Index: rewards_pkey. At most `limit` rows. */
export const exportRewards = (p: { userId: string; afterId: string; limit: number }) => sql<{
  id: string;
  tokens: number;
  created_at: Date;
}>`
  -- referrals.export_rewards
  select id, tokens, created_at from rewards
  where user_id = ${p.userId}::uuid and id > ${p.afterId}::uuid
  order by id
  limit ${p.limit}::integer`;
