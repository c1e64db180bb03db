import { defineErrors } from '../../base/errors.ts';

/** Errors of signing in with a key: who are you? */
export const authErrors = defineErrors('auth', {
  missing_credential: {
    status: 401,
    message:
      'No API key or access token was sent. Send it as "Authorization: Bearer …"; a key also as "x-api-key: ek_…"; ' +
      'over a WebSocket also as "token" of a first frame of type "auth".',
  },
  invalid_key: {
    status: 401,
    message: 'This API key is not valid: it is mistyped, revoked, or was never issued. Use another key.',
  },
  expired_key: { status: 401, message: 'This API key has expired. Create a new one with POST /v1/keys.' },
});

/** Errors of managing keys. */
export const keyErrors = defineErrors('keys', {
  permission_missing: {
    status: 403,
    message: (details: { permission: string }) =>
      `This API key or access token lacks the permission "${details.permission}". Use a key that has it.`,
  },
  wider_than_own: {
    status: 403,
    message:
      'A key cannot make or change one to work from more networks or for longer than itself. Narrow ip_allowlist or ' +
      'expires_at, or use a key that is not so bound.',
  },
  ip_not_allowed: {
    status: 403,
    message: 'This API key may not be used from your address. See its ip_allowlist with GET /v1/keys.',
  },
  not_found: { status: 404, message: 'There is no such API key. List yours with GET /v1/keys.' },
  user_not_found: { status: 404, message: 'There is no such user. Check the id.' },
  too_many: {
    status: 403,
    message: (details: { limit: number }) =>
      `You have ${details.limit} API keys that work, and no more are allowed. Revoke one with DELETE /v1/keys/{key_id}.`,
  },
  expires_in_past: { status: 400, message: 'expires_at must lie in the future.' },
});
