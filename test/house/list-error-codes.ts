import { findErrorSets } from '../../scripts/find-error-sets.ts';
import type { CatalogueEntry } from '../../src/base/errors.ts';

/** Every error there is in the code, by code; what the OpenAPI document and the reference page must list. */
export async function listErrorCodes(): Promise<CatalogueEntry[]> {
  const sets = await findErrorSets(`${import.meta.dirname}/../..`);
  return sets.flatMap((set) => set.catalogue).toSorted((a, b) => (a.code < b.code ? -1 : 1));
}
