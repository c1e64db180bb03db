import { defineErrors } from '../../base/errors.ts';

/** Errors of looking after jobs. */
export const jobErrors = defineErrors('jobs', {
  not_found: {
    status: 404,
    message: 'There is no such job, or it is running. List those that were set aside: GET /admin/jobs.',
  },
});
