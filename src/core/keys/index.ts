export { type Authentication, createAuthentication, readCredential } from './authentication.ts';
export {
  createKeyForUser,
  createUsersWithKeys,
  createUserWithKey,
  findUserByKey,
  hasUsers,
  type UserWithKey,
} from './by-operator/issue-key.ts';
export { registerCacheRoutes } from './cache-routes.ts';
export { createCallerCache, userKey } from './caller-cache.ts';
export { authErrors, keyErrors } from './errors.ts';
export { newFirstKey } from './first-key.ts';
export { forgetEndedKeys } from './jobs.ts';
export { KeyUses } from './key-uses.ts';
export { type Permission, permissions } from './permissions.ts';
export { registerKeyRoutes } from './routes.ts';
export { KeyName } from './schemas.ts';
export { isWellFormedSecret, newSecret } from './secret.ts';
export { keyParts } from './stored-data/parts.ts';
export { watchUsers } from './watch-users.ts';
