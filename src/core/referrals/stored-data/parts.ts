import { firstId } from '../../../base/ids.ts';
import { storedPart } from '../../accounts/index.ts';
import { exportReferrals, exportRewards } from './queries.ts';

/** What referrals store about a user. */
export const referralParts = [
  storedPart<{ referred_user_id: string }>('referrals', ({ userId, after, limit }) =>
    exportReferrals({ userId, afterId: after?.referred_user_id ?? firstId, limit }),
  ),
  storedPart<{ id: string }>('rewards', ({ userId, after, limit }) =>
    exportRewards({ userId, afterId: after?.id ?? firstId, limit }),
  ),
];
