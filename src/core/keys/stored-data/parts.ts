import { firstId } from '../../../base/ids.ts';
import { storedPart } from '../../accounts/index.ts';
import { exportKeys } from './queries.ts';

/** What keys store about a user. */
export const keyParts = [
  storedPart<{ id: string }>('api_keys', ({ userId, after, limit }) =>
    exportKeys({ userId, afterId: after?.id ?? firstId, limit }),
  ),
];
