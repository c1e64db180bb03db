export { limitErrors, planErrors } from './errors.ts';
export { createRequestLimits, type RequestLimitOptions, type RequestLimits } from './limit-requests.ts';
export { Plans } from './plans.ts';
export { type Plan, readPlans } from './read-plans.ts';
export { type PlanRouteOptions, registerPlanRoutes } from './routes.ts';
