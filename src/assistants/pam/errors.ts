import { defineErrors } from '../../base/errors.ts';

/** Errors of Pam. Their messages are also told to the model. */
export const pamErrors = defineErrors('pam', {
  expense_not_found: {
    status: 404,
    message: 'There is no such expense. GET /api/pam/expenses, or the tool pam_list_expenses, shows what there is.',
  },
  unknown_currency: {
    status: 400,
    message: 'There is no such currency. Use a code of ISO 4217 in capitals, such as EUR.',
  },
  unknown_time_zone: {
    status: 400,
    message: 'There is no such time zone. Use a name of the IANA database, such as Europe/Stockholm.',
  },
  bad_amount: {
    status: 400,
    message: ({ digits, currency, most }: { digits: number; currency: string; most: string }) =>
      `The amount must be more than zero, at most ${most} ${currency}, and have at most ${digits} digits after the ` +
      `point, as ${currency} has.`,
  },
  no_plan: {
    status: 404,
    message: 'There is no plan for this day yet. To make one, call pam_plan_trip_day with a place and stops.',
  },
});
