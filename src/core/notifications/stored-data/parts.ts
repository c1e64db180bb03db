import { firstId } from '../../../base/ids.ts';
import { storedPart } from '../../accounts/index.ts';
import { exportNotifications, exportPreferences } from './queries.ts';

/** What notifications store about a user. */
export const notificationParts = [
  storedPart<{ id: string }>('notifications', ({ userId, after, limit }) =>
    exportNotifications({ userId, afterId: after?.id ?? firstId, limit }),
  ),
  storedPart<{ kind: string }>('notification_preferences', ({ userId, after, limit }) =>
    exportPreferences({ userId, afterKind: after?.kind ?? '', limit }),
  ),
];
