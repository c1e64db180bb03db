import { Type } from 'typebox';
import { newId } from '../../base/ids.ts';
import { defineJob, type Job } from '../../platform/jobs/index.ts';
import type { Database } from '../../platform/postgres/index.ts';
import type { NotificationKind } from '../notifications/index.ts';
import { rewardReferral } from './queries.ts';

/** What the jobs of referrals need. */
export interface ReferralJobOptions {
  readonly database: Database;
  /** What each of the two is given. */
  readonly rewardTokens: number;
}

const toldAs = (kind: NotificationKind, title: string, body: string) => ({ id: newId(), kind, title, body });

/** Rewards the user who has signed up by a code, and the one whose code it was. */
export function referralJobs({ database, rewardTokens: tokens }: ReferralJobOptions): Job[] {
  const reward = defineJob({
    name: 'referrals.reward',
    input: Type.Object({ user_id: Type.String({ format: 'uuid' }) }),
    async run({ user_id: userId }, context) {
      const gift = `${tokens.toLocaleString('en')} tokens more for this month`;
      const thanks = `Somebody signed up with your code. You were given ${gift}.`;
      const welcome = `You signed up with a code. You were given ${gift}.`;
      const referrer = toldAs('referral_joined', 'Your code was used', thanks);
      const newcomer = toldAs('referral_rewarded', 'You were rewarded', welcome);
      await database.query(rewardReferral({ userId, tokens, referrer, newcomer }), context);
    },
  });
  return [reward];
}
