import { defineErrors } from '../../base/errors.ts';

/** A second: long enough that a retry finds something changed, short enough that nobody gives up. */
const RETRY_SOON_MS = 1000;

/** What can be wrong with a request before a feature sees it, or with the server as a whole. */
export const httpErrors = defineErrors('http', {
  /** May name a field that the client made up. */
  invalid_request: { status: 400, message: (details: { problem: string }) => details.problem, quotesInput: true },
  invalid_cursor: {
    status: 400,
    message: 'This cursor is not one of this list. Use the `next_cursor` of a page, unchanged, or begin without one.',
  },
  malformed_json: { status: 400, message: 'The body is not valid JSON. Send one JSON object, in UTF-8.' },
  malformed_http: { status: 400, message: 'The request is not valid HTTP.' },
  key_in_url: {
    status: 400,
    message: 'A key does not belong in a URL, where logs keep it. Send it as `Authorization: Bearer <key>`.',
  },
  origin_not_allowed: {
    status: 403,
    message: 'Pages of this origin may not open a WebSocket here. The operator of this server lists those that may.',
  },
  not_found: { status: 404, message: 'There is nothing at this address. The routes are listed at /docs.' },
  method_not_allowed: { status: 405, message: 'This address does not take this method. `Allow` lists those it takes.' },
  precondition_failed: {
    status: 412,
    message:
      'What is at this address is not as `If-Match` or `If-Unmodified-Since` asks. Leave them out, or read it anew.',
  },
  range_not_satisfiable: {
    status: 416,
    message: 'What is at this address ends before `Range` begins. Leave that header out to get all of it.',
  },
  expectation_failed: { status: 417, message: 'The only `Expect` that this server meets is `100-continue`.' },
  request_timeout: { status: 408, message: 'The request took too long to arrive. Send it again, faster.' },
  body_too_large: {
    status: 413,
    message: ({ most }: { most: string }) => `The body is larger than this server takes: at most ${most}.`,
  },
  url_too_long: { status: 414, message: 'The URL, or one part of its path, is too long.' },
  unsupported_media_type: {
    status: 415,
    message: 'Send the body as `Content-Type: application/json` in UTF-8, without a `Content-Encoding`.',
  },
  upgrade_required: { status: 426, message: 'This address takes WebSockets only: connect to it with ws:// or wss://.' },
  headers_too_large: { status: 431, message: 'The headers are larger than 16 kB together.' },
  client_gone: { status: 499, message: 'The client closed the connection before the answer was finished.' },
  internal: {
    status: 500,
    message:
      'Something went wrong on our side. When it happens again, report it with the `x-request-id` of this answer.',
  },
  deadline_exceeded: {
    status: 503,
    message: 'The request could not be served within its time. Try again shortly.',
    retryAfterMs: RETRY_SOON_MS,
  },
  overloaded: {
    status: 503,
    message: 'This server has more to do than it can at the moment. Try again shortly.',
    retryAfterMs: RETRY_SOON_MS,
  },
  shutting_down: {
    status: 503,
    message: 'This server is being stopped. Try again: another one, or the next one, will answer.',
    retryAfterMs: RETRY_SOON_MS,
  },
});
