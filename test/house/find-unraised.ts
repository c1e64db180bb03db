import type { FoundErrorSet } from '../../scripts/find-error-sets.ts';

/** Whether a text raises an error: `keyErrors.raise.revoked`, `raise.revoked`, or `{ revoked } = keyErrors.raise`. */
function raises(source: string, reason: string): boolean {
  if (new RegExp(String.raw`\braise\s*\.\s*${reason}\b`).test(source)) return true;
  return new RegExp(String.raw`\{[^{}]*\b${reason}\b[^{}]*\}\s*=\s*[\w.]*\braise\b`).test(source);
}

/** The codes of a set that no source, by path, raises. Only sources that name the set are asked. */
export function findUnraised(set: FoundErrorSet, sources: Readonly<Record<string, string>>): string[] {
  const users = Object.values(sources).filter((source) => source.includes(set.exportName));
  return set.catalogue
    .map((entry) => entry.code)
    .filter((code) => !users.some((source) => raises(source, code.slice(code.indexOf('.') + 1))));
}
