import { storedPart } from '../../accounts/index.ts';
import { exportUsage } from './queries.ts';

/** What plans store about a user. */
export const planParts = [
  storedPart<{ day: string | null; model: string }>('usage_days', ({ userId, after, limit }) =>
    exportUsage({ userId, day: after?.day ?? '-infinity', model: after?.model ?? '', limit }),
  ),
];
