import { FIRST_ID } from '../../../base/ids.ts';
import { storedById, storedOnce, storedPart } from '../../accounts/index.ts';
import { exportReferrals, exportReferredBy, exportRewards } from './queries.ts';

/** What referrals store about a user. */
export const referralParts = [
  storedPart<{ referred_user_id: string }>('referrals', ({ userId, after, limit }) =>
    exportReferrals({ userId, afterId: after?.referred_user_id ?? FIRST_ID, limit }),
  ),
  storedOnce('referred_by', exportReferredBy),
  storedById('rewards', exportRewards),
];
