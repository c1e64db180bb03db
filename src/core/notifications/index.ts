export { notificationErrors } from './errors.ts';
export { notificationJobs } from './jobs.ts';
export type { NotificationKind } from './kinds.ts';
export { registerPreferenceRoutes } from './preference-routes.ts';
export { registerNotificationRoutes } from './routes.ts';
export { notificationParts } from './stored-data/parts.ts';
