import { storedById, storedPart } from '../../accounts/index.ts';
import { exportNotifications, exportPreferences } from './queries.ts';

/** What notifications store about a user. */
export const notificationParts = [
  storedById('notifications', exportNotifications),
  storedPart<{ kind: string }>('notification_preferences', ({ userId, after, limit }) =>
    exportPreferences({ userId, afterKind: after?.kind ?? '', limit }),
  ),
];
