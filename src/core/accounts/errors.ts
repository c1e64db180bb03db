import { defineErrors } from '../../base/errors.ts';

/** Errors of repeating a request under its Idempotency-Key. */
export const idempotencyErrors = defineErrors('idempotency', {
  invalid_key: {
    status: 400,
    message: 'Idempotency-Key takes 1 to 255 visible ASCII characters, bare or in double quotes, and only once.',
  },
  in_progress: {
    status: 409,
    message: 'The first request with this Idempotency-Key is still being worked on. Try again shortly.',
    retryAfterMs: 1_000,
  },
  not_replayable: {
    status: 409,
    message:
      'The request with this Idempotency-Key was answered, and its answer was too long to be kept. Use a new key to ask anew.',
  },
  key_reused: {
    status: 422,
    message: 'This Idempotency-Key was used for another request. Use a new key, or send the same body again.',
  },
});
