/** What an API key may do. `admin` includes no other. */
export const permissions = [
  'chat:read',
  'chat:write',
  'keys:read',
  'keys:write',
  'account:read',
  'account:write',
  'admin',
] as const;

/** One thing that a key may do. */
export type Permission = (typeof permissions)[number];
