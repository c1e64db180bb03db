import type { FastifyReply, FastifyRequest } from 'fastify';
import { Type } from 'typebox';

/** The schema of an answer with status 304. */
export const Unchanged = Type.Null({ description: 'Nothing has changed since the ETag that you sent.' });

/** With W/ or without: proxies rewrite it, and reading compares weakly (RFC 9110, 13.1.2). */
const ETAG = /^(?:W\/)?"v(\d{1,15})"$/;

/** The versions that the reader says it has, from `If-None-Match`; tags that are none of ours are passed over. */
function listVersions(request: FastifyRequest): number[] {
  const tags = request.headers['if-none-match']?.split(',') ?? [];
  return tags.flatMap((tag) => ETAG.exec(tag.trim())?.[1] ?? []).map(Number);
}

/**
 * The newest version that the reader says it has; null when it names none of ours. It is all that the database needs to be
 * asked with: the session's version is the newest that a reader can have of it. A newer one can only be another session's,
 * and has the messages read for nothing.
 */
export function newestKnownVersion(request: FastifyRequest): number | null {
  const versions = listVersions(request);
  return versions.length > 0 ? Math.max(...versions) : null;
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
  if (!listVersions(request).includes(version) && !wantsNone(request)) return false;
  reply.code(304);
  return true;
}
