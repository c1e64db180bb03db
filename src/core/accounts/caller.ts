/** The authenticated user of a request, and how it was authenticated. */
export interface Caller {
  readonly userId: string;
  readonly username: string;
  readonly plan: string;
  /** When the account was made, in RFC 3339. */
  readonly createdAt: string;
  readonly keyId: string;
  readonly permissions: readonly string[];
  /** The address that the request came from, as the trusted proxies tell it. */
  readonly ip: string;
}

declare module 'fastify' {
  interface FastifyRequest {
    /** Who is calling; set on every route that is not public. */
    caller: Caller;
  }
}
