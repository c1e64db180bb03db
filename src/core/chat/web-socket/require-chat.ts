import type { Caller } from '../../accounts/index.ts';
import { keyErrors } from '../../keys/index.ts';

/** Refuses who has no part in chat. @throws AppError 403 `keys.permission_missing` for who may neither read nor write there. */
export function requireChat({ permissions }: Pick<Caller, 'permissions'>): void {
  const hasPart = permissions.some((permission) => permission.startsWith('chat:'));
  if (!hasPart) throw keyErrors.raise.permission_missing({ permission: 'chat:read' });
}
