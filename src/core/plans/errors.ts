import { defineErrors } from '../../base/errors.ts';

/** Errors of choosing a plan. */
export const planErrors = defineErrors('plans', {
  not_found: { status: 400, message: 'There is no such plan. List them with GET /v1/plans.' },
});

/** Errors of being over a limit. */
export const limitErrors = defineErrors('limits', {
  requests_exceeded: {
    status: 429,
    message: (details: { limit: number; window: string }) =>
      `You have made all ${details.limit} requests that your plan allows per ${details.window}. Try again when it is over, as Retry-After says.`,
    retryAfterMs: 1_000,
  },
  tokens_exceeded: {
    status: 429,
    message: (details: { limit: number }) =>
      `You have used, or other requests have reserved, all ${details.limit} tokens that your plan allows in a month. GET /v1/me/limits says when it begins anew.`,
    retryAfterMs: 1_000,
  },
  model_calls_exceeded: {
    status: 429,
    message: (details: { limit: number }) =>
      `As many calls of models as your plan allows at once (${details.limit}, turns included) are under way. Try again when one has ended.`,
    retryAfterMs: 1_000,
  },
});

/** Errors of reading usage. */
export const usageErrors = defineErrors('usage', {
  invalid_range: {
    status: 400,
    message: (details: { days: number }) =>
      `from must not be after to, and from one to the other may be at most ${details.days} days, both included.`,
  },
});
