import { storedById } from '../../accounts/index.ts';
import { exportActivity } from './queries.ts';

/** What activity stores about a user. */
export const activityParts = [storedById('activity', exportActivity)];
