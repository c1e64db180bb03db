import type { Caller } from '../accounts/index.ts';
import { keyErrors } from './errors.ts';
import { areWithin } from './ip-allowlist.ts';
import { permissions } from './permissions.ts';

/** What a key may do, from which networks and until when. Null is from any, and for ever. */
export interface KeyBounds {
  permissions: string[];
  ipAllowlist: string[] | null;
  expiresAt: Date | null;
}

/** The bounds of a caller. An access token has those of its user's sign-in, which is bound to no network and can be renewed. */
export function ownBounds(caller: Caller): KeyBounds {
  const { ipAllowlist, expiresAtMs } = caller;
  return {
    permissions: permissions.filter((permission) => caller.permissions.includes(permission)),
    ipAllowlist: ipAllowlist && [...ipAllowlist],
    expiresAt: expiresAtMs === null ? null : new Date(expiresAtMs),
  };
}

/** As JavaScript compares: null, which is for ever, comes after all. */
const endMs = (instant: Date | null): number => instant?.getTime() ?? Number.POSITIVE_INFINITY;

/**
 * A key can give away only what it has itself. What is undefined of the wanted is not given.
 * @throws AppError 403 `keys.permission_missing` or `keys.wider_than_own`.
 */
export function refuseMoreThanOwn(
  own: KeyBounds,
  { permissions: wanted, ipAllowlist, expiresAt }: { [Bound in keyof KeyBounds]?: KeyBounds[Bound] | undefined },
): void {
  const permission = wanted?.find((each) => !own.permissions.includes(each));
  if (permission !== undefined) throw keyErrors.raise.permission_missing({ permission }, { param: 'permissions' });
  if (ipAllowlist !== undefined && own.ipAllowlist !== null) {
    const isWithin = ipAllowlist !== null && areWithin(ipAllowlist, own.ipAllowlist);
    if (!isWithin) throw keyErrors.raise.wider_than_own({ param: 'ip_allowlist' });
  }
  if (expiresAt !== undefined && endMs(expiresAt) > endMs(own.expiresAt))
    throw keyErrors.raise.wider_than_own({ param: 'expires_at' });
}
