export { referralJobs } from './jobs.ts';
export { registerReferralRoutes } from './routes.ts';
