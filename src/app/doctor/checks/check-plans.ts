import { readPlans } from '../../../core/plans/index.ts';
import { type Check, fine } from '../finding.ts';

/** Whether the plans are what a server starts with. */
export const checkPlans: Check = {
  name: 'plans',
  run: ({ config }) => [fine([...readPlans(config.plans.file).keys()].join(', '))],
};
