import type { FastifyReply, FastifyRequest } from 'fastify';
import { Type } from 'typebox';

/** The schema of an answer with status 304. */
export const Unchanged = Type.Null({ description: 'Nothing has changed since the ETag that you sent.' });

/** With W/ or without: proxies rewrite it, and reading compares weakly (RFC 9110, 13.1.2). */
const ETAG = /^(?:W\/)?"v(\d{1,15})"$/;

/** The version that the reader says it has, from `If-None-Match`; null when it names none of ours. */
export function knownVersion(request: FastifyRequest): number | null {
  const tags = request.headers['if-none-match']?.split(',') ?? [];
  for (const tag of tags) {
    const version = ETAG.exec(tag.trim())?.[1];
    if (version !== undefined) return Number(version);
  }
  return null;
}

/** Sets the answer's ETag from a session's version: weak, for the same state may be written in other bytes. */
export function setVersion(reply: FastifyReply, version: number): void {
  reply.header('etag', `W/"v${version}"`);
}

/** Whether the reader asks for the session only if there is none: `If-None-Match: *`. */
const wantsNone = (request: FastifyRequest): boolean => request.headers['if-none-match']?.trim() === '*';

/**
 * Sets the answer's ETag from a session's version. Answers whether the reader has this version, and then sets the status 304.
 */
export function isUnchanged(request: FastifyRequest, reply: FastifyReply, version: number): boolean {
  setVersion(reply, version);
  reply.header('cache-control', 'private, no-cache');
  if (knownVersion(request) !== version && !wantsNone(request)) return false;
  reply.code(304);
  return true;
}
