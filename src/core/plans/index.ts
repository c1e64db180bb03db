export { limitErrors, planErrors, usageErrors } from './errors.ts';
export { createRequestLimits, type RequestLimitOptions, type RequestLimits } from './limit-requests.ts';
export { Plans } from './plans.ts';
export { type Plan, readPlans } from './read-plans.ts';
export { type PlanRouteOptions, registerPlanRoutes } from './routes.ts';
export { planParts } from './stored-data/parts.ts';
export { type Reservation, type Spender, TokenBudget, type TokenBudgetOptions } from './token-budget.ts';
export { type ModelUse, UsageRecorder, type UsageRecorderOptions } from './usage-recorder.ts';
export { registerUsageRoutes, type UsageRouteOptions } from './usage-routes.ts';
