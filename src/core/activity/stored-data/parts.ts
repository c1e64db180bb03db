import { firstId } from '../../../base/ids.ts';
import { storedPart } from '../../accounts/index.ts';
import { exportActivity } from './queries.ts';

/** What activity stores about a user. */
export const activityParts = [
  storedPart<{ id: string }>('activity', ({ userId, after, limit }) =>
    exportActivity({ userId, afterId: after?.id ?? firstId, limit }),
  ),
];
