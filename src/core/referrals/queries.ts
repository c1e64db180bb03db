import { sql } from '../../platform/postgres/index.ts';

/** A user's code, what was given for it, and a user who came by it; that is null in the one row of a user whom none did. */
export interface ReferralRow {
  code: string | null;
  rewards: number;
  tokens: number;
  referred_user_id: string | null;
  status: string | null;
  created_at: Date;
}

/**
 * A user's referrals, newest first, with the code and the sum of the rewards. Indexes: users_pkey, referrals_pkey,
 * rewards_pkey. A row for each of the newest `limit`, or one without any.
 */
export const listReferrals = (p: { userId: string; limit: number }) => sql<ReferralRow>`
  -- referrals.list_referrals
  select u.referral_code as code, given.rewards, given.tokens, r.referred_user_id, r.status, r.created_at
  from users u
  cross join lateral (
    select count(*)::integer as rewards, coalesce(sum(tokens), 0)::float8 as tokens
    from rewards where user_id = u.user_id
  ) given
  left join lateral (
    -- Ids are UUIDv7: the greatest is the newest.
    select referred_user_id, status, created_at from referrals
    where user_id = u.user_id
    order by referred_user_id desc
    limit ${p.limit}::integer
  ) r on true
  where u.user_id = ${p.userId}::uuid`;

/** A reward as it is given and told: the notification has its id. */
export interface RewardOrder {
  id: string;
  kind: string;
  title: string;
  body: string;
}

/**
 * Rewards the user who referred a newcomer, and the newcomer, and tells both; once, for only the statement that ends the
 * wait of a referral does. Both rewards go with the newcomer's account. Index: referrals_referred_user_id_key. One row, or none
 * when there is nothing to reward.
 */
export const rewardReferral = (p: {
  userId: string;
  tokens: number;
  referrer: RewardOrder;
  newcomer: RewardOrder;
}) => sql<{ user_id: string; told: (string | null)[] }>`
  -- referrals.reward
  with settled as (
    update referrals set status = 'rewarded', rewarded_at = now()
    where referred_user_id = ${p.userId}::uuid and status = 'pending'
    returning user_id, referred_user_id
  ), given as (
    insert into rewards (user_id, id, tokens, referred_user_id)
    select user_id, ${p.referrer.id}::uuid, ${p.tokens}::bigint, referred_user_id from settled
    union all
    select referred_user_id, ${p.newcomer.id}::uuid, ${p.tokens}::bigint, null from settled
  )
  select user_id, array[
    notify_user(user_id, ${p.referrer.id}::uuid, ${p.referrer.kind}, ${p.referrer.title}, ${p.referrer.body}, '{}')::text,
    notify_user(
      referred_user_id, ${p.newcomer.id}::uuid, ${p.newcomer.kind}, ${p.newcomer.title}, ${p.newcomer.body}, '{}'
    )::text
  ] as told
  from settled`;
