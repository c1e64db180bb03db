import type { HttpServer } from '../../platform/http/index.ts';
import { registerPreferenceRoutes } from './preference-routes.ts';
import { type NotificationRouteOptions, registerNotificationList } from './routes.ts';

export { notificationErrors } from './errors.ts';
export { notificationJobs } from './jobs.ts';
export type { NotificationKind } from './kinds.ts';
export { notificationParts } from './stored-data/parts.ts';

/** Registers the routes under `/v1/notifications`. */
export function registerNotificationRoutes(server: HttpServer, options: NotificationRouteOptions): void {
  registerNotificationList(server, options);
  registerPreferenceRoutes(server, options);
}
