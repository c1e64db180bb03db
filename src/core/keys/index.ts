export { type Authentication, createAuthentication } from './authentication.ts';
export { type Caller, type Permission, permissions } from './caller.ts';
export { authErrors, keyErrors } from './errors.ts';
export { createKeyForUser, createUserWithKey, findUserByKey, hasUsers } from './issue-key.ts';
export { registerKeyRoutes } from './routes.ts';
export { isWellFormedSecret, newSecret } from './secret.ts';
