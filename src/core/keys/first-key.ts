import type { FirstKey } from '../accounts/index.ts';
import { userPermissions } from './caller-cache.ts';
import { newKey } from './secret.ts';

/** A new API key for a user who signs up. It is stored with the user. */
export function newFirstKey(): FirstKey {
  const { secret, stored } = newKey();
  const { id: keyId, ...rest } = stored;
  return { secret, keyId, ...rest, permissions: `{${userPermissions.join()}}` };
}
