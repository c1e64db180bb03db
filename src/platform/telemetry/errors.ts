import { defineErrors } from '../../base/errors.ts';

/** What can be wrong with asking how the server is. */
export const telemetryErrors = defineErrors('telemetry', {
  token_required: {
    status: 401,
    message:
      'Send METRICS_TOKEN as `Authorization: Bearer <token>`. Without that variable, metrics are for programs on the same machine that ask for `localhost`.',
  },
});
