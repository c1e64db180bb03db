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

/** The authenticated user of a request, and how it was authenticated. */
export interface Caller {
  readonly userId: string;
  readonly keyId: string;
  readonly permissions: ReadonlySet<string>;
  /** The address that the request came from, as the trusted proxies tell it. */
  readonly ip: string;
}
