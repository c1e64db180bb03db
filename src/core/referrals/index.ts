export { referralJobs } from './jobs.ts';
export { registerReferralRoutes } from './routes.ts';
export { referralParts } from './stored-data/parts.ts';
