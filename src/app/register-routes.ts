import { registerAccountRoutes, registerSignInRoutes } from '../core/accounts/index.ts';
import { registerActivityRoutes } from '../core/activity/index.ts';
import { registerChatRoutes } from '../core/chat/index.ts';
import { registerCacheRoutes, registerKeyRoutes } from '../core/keys/index.ts';
import { registerNotificationRoutes, registerPreferenceRoutes } from '../core/notifications/index.ts';
import { registerPlanRoutes, registerUsageRoutes } from '../core/plans/index.ts';
import { registerReferralRoutes } from '../core/referrals/index.ts';
import type { HttpServer } from '../platform/http/index.ts';
import type { BoundAssistants } from './assistants/bind-assistants.ts';
import { registerJobRoutes } from './jobs/routes.ts';
import { registerExportRoute } from './stored-data/export-routes.ts';
import { registerUserRoutes } from './users/routes.ts';

/** What the routes of all features need. */
export type RouteParts = Parameters<typeof registerSignInRoutes>[1] &
  Parameters<typeof registerKeyRoutes>[1] &
  Parameters<typeof registerPlanRoutes>[1] &
  Parameters<typeof registerJobRoutes>[1] &
  Parameters<typeof registerChatRoutes>[1] & {
    readonly installed: Pick<BoundAssistants, 'registerRoutes' | 'exportUser'>;
  };

/** Registers the routes of all features and assistants. */
export function registerRoutes(http: HttpServer, parts: RouteParts): void {
  registerSignInRoutes(http, parts);
  registerAccountRoutes(http, parts);
  registerExportRoute(http, parts);
  registerKeyRoutes(http, parts);
  registerActivityRoutes(http, parts);
  registerPlanRoutes(http, parts);
  registerNotificationRoutes(http, parts);
  registerPreferenceRoutes(http, parts);
  registerUsageRoutes(http, parts);
  registerReferralRoutes(http, parts);
  registerCacheRoutes(http, parts);
  registerJobRoutes(http, parts);
  registerUserRoutes(http, parts);
  registerChatRoutes(http, parts);
  parts.installed.registerRoutes(http);
}
