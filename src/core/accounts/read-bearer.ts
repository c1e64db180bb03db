import type { IncomingHttpHeaders } from 'node:http';

const BEARER = 'bearer ';

/** What follows `Authorization: Bearer`; undefined when nothing does. */
export function readBearer({ authorization = '' }: IncomingHttpHeaders): string | undefined {
  if (authorization.slice(0, BEARER.length).toLowerCase() !== BEARER) return undefined;
  // More blanks than one are a slip of the hand.
  return authorization.slice(BEARER.length).trimStart();
}
