import { exportIdentities, exportSignIns, exportUser } from './queries.ts';
import { storedById, storedOnce } from './stored-part.ts';

/** What accounts store about a user; without the answers kept under an Idempotency-Key, copies that are gone after a day. */
export const accountParts = [
  storedOnce('users', exportUser),
  storedOnce('identities', exportIdentities),
  storedById('refresh_families', exportSignIns),
];
