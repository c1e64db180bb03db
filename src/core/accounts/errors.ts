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

/** Why a token that should be ours is refused. */
export const NO_TOKEN_OF_OURS = 'It is no token of this server for this use, or its account is gone.';

/** Errors of signing in, of tokens and of the account. */
export const signInErrors = defineErrors('auth', {
  unknown_referral_code: {
    status: 400,
    message: 'There is no such referral code. Correct it, or sign up without one.',
  },
  missing_token: {
    status: 401,
    message: (details: { field: string }) =>
      `No token was sent. Send it as "${details.field}" in the body or as "Authorization: Bearer …".`,
  },
  invalid_token: {
    status: 401,
    message: ({ why }: { why: string }) => `This token is not valid here. ${why} Sign in again.`,
  },
  expired_token: { status: 401, message: 'This token has expired. Refresh it, or sign in again.' },
  refresh_reused: {
    status: 401,
    message: 'This refresh token was used before, so all tokens of this sign-in were ended. Sign in again.',
  },
  signed_out: { status: 401, message: 'This sign-in was ended. Sign in again.' },
  user_disabled: { status: 401, message: 'This account is disabled, or was erased. Ask the operator of this server.' },
  username_taken: { status: 409, message: 'This username is taken. Choose another.' },
  too_many_failures: {
    status: 429,
    message: 'Too many tokens were refused of this account or from this address. Try again later, with a good one.',
    retryAfterMs: 60_000,
  },
  too_many_sign_ins: {
    status: 429,
    message: 'You have signed in too often. Use the tokens that you got, or try again after the time in Retry-After.',
    retryAfterMs: 60_000,
  },
  issuer_unavailable: {
    status: 503,
    message:
      'The keys of the identity provider cannot be read, as the log of this server says, so its tokens cannot be checked. Try again shortly.',
    retryAfterMs: 1_000,
  },
});
