export { keepActivity } from './jobs.ts';
export { activityKinds } from './kinds.ts';
export { registerActivityRoutes } from './routes.ts';
export { activityParts } from './stored-data/parts.ts';
export { eraseActivity } from './stored-data/queries.ts';
