import { defineErrors } from '../../base/errors.ts';

/** Errors of notifications. */
export const notificationErrors = defineErrors('notifications', {
  not_found: {
    status: 404,
    message: 'There is no such notification. List yours: GET /v1/notifications.',
  },
});
