import { defineErrors } from '../../base/errors.ts';

/** What is asked for, without what may be a key that somebody put in the wrong place. */
function nameOf(model: string): string {
  return model.includes('ek_') ? 'This model' : `The model \`${model}\``;
}

/** Why a model did not answer. Nothing of ours was stored by the call that raises one of these. */
export const modelErrors = defineErrors('models', {
  /** The request itself is at fault; either we found out or the provider said so, who may quote the prompt. */
  invalid_request: { status: 400, message: (details: { reason: string }) => details.reason, quotesInput: true },
  /** As `invalid_request`; clients look for this word, and shorten the conversation. */
  context_length_exceeded: { status: 400, message: (details: { reason: string }) => details.reason, quotesInput: true },
  not_found: {
    status: 404,
    message: ({ model }: { model: string }) =>
      `${nameOf(model)} does not exist. GET /v1/models lists those you can use.`,
  },
  /** No connection, or it was lost before any of an answer. */
  unreachable: {
    status: 502,
    message: 'The model provider could not be reached. Try again in a moment.',
    retryAfterMs: 1_000,
  },
  /** A bound of the target was passed; the caller's own deadline raises its own error. */
  timeout: {
    status: 504,
    message: (details: { missing: string }) =>
      `The model provider was too slow: ${details.missing} did not come in time. Try again in a moment.`,
    retryAfterMs: 1_000,
  },
  /** What came is not an answer: not JSON, not the promised shape, cut off, too long, a redirect. */
  bad_response: {
    status: 502,
    message: 'The model provider sent an answer that is broken or incomplete. Try again in a moment.',
    retryAfterMs: 1_000,
  },
  rate_limited: {
    status: 503,
    message: 'The model provider takes no more requests for now. Try again after the time in Retry-After.',
    retryAfterMs: 5_000,
  },
  /** Never a 401 of ours: the caller's credentials are fine, the operator's are not. */
  refused: {
    status: 502,
    message:
      "The model provider refused this server. Its operator has to check the provider's base URL, key, account and model name.",
  },
  /** See `createConnector`. */
  address_refused: {
    status: 502,
    message: "The model provider's address is private. The server's operator has to allow that, or change the address.",
  },
  /** Every target's breaker is open: nobody was asked. */
  unavailable: {
    status: 503,
    message: 'The model has failed repeatedly and is left alone for a moment. Try again after the time in Retry-After.',
    retryAfterMs: 1_000,
  },
  provider_error: {
    status: 502,
    message: 'The model provider failed to answer. Try again in a moment.',
    retryAfterMs: 1_000,
  },
});
