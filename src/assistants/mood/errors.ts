import { defineErrors } from '../../base/errors.ts';

/** Errors of the mood log. Their messages are also told to the model. */
export const moodErrors = defineErrors('mood', {
  trend_too_long: {
    status: 400,
    message: 'A trend has at most 366 days. Ask for fewer, or for one part after the other.',
  },
});
