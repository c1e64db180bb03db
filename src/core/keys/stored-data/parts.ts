import { storedById } from '../../accounts/index.ts';
import { exportKeys } from './queries.ts';

/** What keys store about a user. */
export const keyParts = [storedById('api_keys', exportKeys)];
