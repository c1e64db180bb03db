import { firstId } from '../../../base/ids.ts';
import { onlyPage, storedPart } from '../../accounts/index.ts';
import { exportReferrals, exportReferredBy, exportRewards } from './queries.ts';

/** What referrals store about a user. */
export const referralParts = [
  storedPart<{ referred_user_id: string }>('referrals', ({ userId, after, limit }) =>
    exportReferrals({ userId, afterId: after?.referred_user_id ?? firstId, limit }),
  ),
  storedPart('referred_by', ({ userId, after }) => exportReferredBy({ userId, limit: onlyPage(after) })),
  storedPart<{ id: string }>('rewards', ({ userId, after, limit }) =>
    exportRewards({ userId, afterId: after?.id ?? firstId, limit }),
  ),
];
