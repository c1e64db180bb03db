import { firstId } from '../../../base/ids.ts';
import { exportIdentities, exportSignIns, exportUser } from './queries.ts';
import { onlyPage, storedPart } from './stored-part.ts';

/** What accounts store about a user; without the answers kept under an Idempotency-Key, copies that are gone after a day. */
export const accountParts = [
  storedPart('users', ({ userId, after }) => exportUser({ userId, limit: onlyPage(after) })),
  storedPart('identities', ({ userId, after }) => exportIdentities({ userId, limit: onlyPage(after) })),
  storedPart<{ id: string }>('refresh_families', ({ userId, after, limit }) =>
    exportSignIns({ userId, afterId: after?.id ?? firstId, limit }),
  ),
];
