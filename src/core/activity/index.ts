export { keepActivity } from './jobs.ts';
export { activityKinds } from './kinds.ts';
export { registerActivityRoutes } from './routes.ts';
