export { type Authentication, createAuthentication } from './authentication.ts';
export { registerCacheRoutes } from './cache-routes.ts';
export { type CallerCache, createCallerCache } from './caller-cache.ts';
export { authErrors, keyErrors } from './errors.ts';
export { createKeyForUser, createUserWithKey, findUserByKey, hasUsers } from './issue-key.ts';
export { type Permission, permissions } from './permissions.ts';
export { registerKeyRoutes } from './routes.ts';
export { isWellFormedSecret, newSecret } from './secret.ts';
export { watchUsers } from './watch-users.ts';
