import type { FastifyRequest } from 'fastify';
import type { AppError } from '../../base/errors.ts';
import { httpErrors } from './errors.ts';
import { invalidField, nameField } from './validation-fault.ts';

const { raise } = httpErrors;

/** Longer URLs are no use of ours and fill logs of proxies; Node itself ends at 16 kB of headers. */
const MAX_URL_CHARS = 8192;

/** Names under which people put credentials into URLs. */
const KEY_NAMES = new Set(['api_key', 'apikey', 'api-key', 'x-api-key', 'access_token', 'authorization']);

/** What a name in a URL says when it is repeated to its sender: not endless, and nothing that looks like a key. */
function shown(name: string): string {
  return name.startsWith('ek_') ? 'query' : name.slice(0, 100);
}

function findQueryFault(query: string): AppError | undefined {
  for (const pair of query.split('&')) {
    let name = pair;
    let value = '';
    try {
      const [rawName = '', ...rest] = pair.split('=');
      name = decodeURIComponent(rawName);
      value = decodeURIComponent(rest.join('='));
    } catch {
      const field = shown(pair.split('=', 1)[0] ?? '');
      return invalidField(nameField(field, 'has a percent sign that starts no UTF-8'));
    }
    const isKey = KEY_NAMES.has(name.toLowerCase()) || value.startsWith('ek_') || name.startsWith('ek_');
    if (isKey) return raise.key_in_url({ param: shown(name) });
  }
  return undefined;
}

/** Whether a part of a path is a key, also with its characters encoded. Decoding is not for every request. */
function holdsKey(path: string): boolean {
  if (!path.includes('ek_') && !path.includes('%')) return false;
  // What follows a `#` is read as a query by the router; no browser sends it.
  return path.split(/[/#]/).some((part) => {
    try {
      return decodeURIComponent(part).startsWith('ek_');
    } catch {
      return false;
    }
  });
}

/** What is wrong with a URL. */
function findUrlFault(url: string): AppError | undefined {
  if (url.length > MAX_URL_CHARS) return raise.url_too_long();
  const queryAt = url.indexOf('?');
  if (holdsKey(queryAt === -1 ? url : url.slice(0, queryAt))) return raise.key_in_url({ param: 'path' });
  return queryAt === -1 ? undefined : findQueryFault(url.slice(queryAt + 1));
}

/** As Node finds it. */
const CONTINUE = /(?:^|\W)100-continue(?:$|\W)/i;

/** Whether a header is there more than once. Node keeps the first and says nothing; a proxy in front may go by the second. */
function isRepeated(header: string, rawHeaders: readonly string[]): boolean {
  let count = 0;
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index] as string;
    if (name.length === header.length && name.toLowerCase() === header) count++;
  }
  return count > 1;
}

/** What is wrong with a request's URL or headers, whoever sends it. */
export function findRequestFault(request: FastifyRequest): AppError | undefined {
  const { url = '', httpVersion, headers, rawHeaders } = request.raw;
  if (isRepeated('authorization', rawHeaders)) {
    return raise.invalid_request({ problem: 'Send one `Authorization` header.' }, { param: 'authorization' });
  }
  if (headers.host === undefined && httpVersion === '1.1') {
    return raise.invalid_request({ problem: 'Send a `Host` header.' }, { param: 'host' });
  }
  if (isRepeated('host', rawHeaders)) {
    return raise.invalid_request({ problem: 'Send one `Host` header.' }, { param: 'host' });
  }
  // Node undoes no other coding: what it hands on would still be compressed.
  if ((headers['transfer-encoding'] ?? 'chunked').toLowerCase() !== 'chunked') {
    const problem = 'The only `Transfer-Encoding` that this server takes is `chunked`.';
    return raise.invalid_request({ problem }, { param: 'transfer-encoding' });
  }
  if (headers.expect !== undefined && !CONTINUE.test(headers.expect)) {
    return raise.expectation_failed({ param: 'expect' });
  }
  return findUrlFault(url);
}

const TAKES_BODY = new Set(['POST', 'PUT', 'PATCH']);
/** No two runs of blanks follow one another: where to divide what is only blanks is tried in all ways, for a fifth of a second. */
const JSON_TYPE = /^application\/json\s*(?:;\s*(?:charset\s*=\s*"?utf-8"?\s*(?:;\s*)?)?)?$/i;

/**
 * Drops the media type of an empty body, which is no fault whatever it says: `curl -d ''` calls nothing a form. Fastify waits
 * for the end of a body that has a type, and Node tells of none where no body is announced (`optimizeEmptyRequests`): the
 * stream has ended from the beginning.
 */
export function dropTypeOfEmptyBody({ raw }: FastifyRequest): void {
  const isEmpty = raw.readableEnded || raw.headers['content-length'] === '0';
  if (isEmpty && TAKES_BODY.has(raw.method ?? '')) delete raw.headers['content-type'];
}

/** What is wrong with the media type of a request's body; told before the body is read. */
export function findMediaTypeFault(request: FastifyRequest): AppError | undefined {
  if (!TAKES_BODY.has(request.method)) return undefined;
  const { headers } = request.raw;
  const hasBody = headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;
  if (!hasBody) return undefined;
  if ((headers['content-encoding'] ?? 'identity').toLowerCase() !== 'identity') {
    return raise.unsupported_media_type({ param: 'content-encoding' });
  }
  return JSON_TYPE.test(headers['content-type'] ?? '')
    ? undefined
    : raise.unsupported_media_type({ param: 'content-type' });
}
