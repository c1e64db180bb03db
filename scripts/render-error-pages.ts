import type { FoundErrorSet } from './find-error-sets.ts';
import { renderErrorReference } from './render-error-reference.ts';

/** Where errors are listed: an assistant's in its own folder, so that nothing is left of it when the folder goes. */
function pageOf({ file }: FoundErrorSet): string {
  const [folder] = /^src[\\/]assistants[\\/]\w+/.exec(file) ?? [];
  return folder === undefined ? 'docs/reference/errors.md' : `${folder}/errors.md`;
}

/** The reference pages of the errors, as Markdown, by path from the root of the repository. */
export function renderErrorPages(sets: readonly FoundErrorSet[]): Record<string, string> {
  const pages = [...Map.groupBy(sets, pageOf)];
  return Object.fromEntries(pages.map(([path, setsOfPage]) => [path, renderErrorReference(setsOfPage)]));
}
