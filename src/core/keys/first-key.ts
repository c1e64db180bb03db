import { newId } from '../../base/ids.ts';
import type { FirstKey } from '../accounts/index.ts';
import { userPermissions } from './caller-cache.ts';
import { hashSecret, newSecret, secretPrefix } from './secret.ts';

/** A new API key for a user who signs up. It is stored with the user. */
export function newFirstKey(): FirstKey {
  const secret = newSecret();
  const permissions = `{${userPermissions.join()}}`;
  return { secret, keyId: newId(), hash: hashSecret(secret), prefix: secretPrefix(secret), permissions };
}
