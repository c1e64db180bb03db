/** How many letters must be put in, taken out or changed to make one text of the other (Levenshtein's distance). */
function editDistance(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_, column) => column);
  for (const [index, letter] of [...from].entries()) {
    const next = [index + 1];
    for (const [column, other] of [...to].entries()) {
      const changed = (row[column] ?? 0) + (letter === other ? 0 : 1);
      next.push(Math.min(changed, (row[column + 1] ?? 0) + 1, (next[column] ?? 0) + 1));
    }
    row = next;
  }
  return row.at(-1) ?? 0;
}

/** Whether there is a name among `names` from which a mistaken one differs by a letter: put in, left out or another. */
export function isSlipOf(mistaken: string, names: readonly string[]): boolean {
  return names.some((name) => Math.abs(name.length - mistaken.length) <= 1 && editDistance(mistaken, name) === 1);
}

/**
 * The name among `names` that a mistaken one is nearest to: it has most of its words, and of such names the fewest letters are
 * other ones. By letters alone `MODEL_URL` would be nearer to `REDIS_URL` than to `MODEL_BASE_URL`.
 */
export function nearestName(mistaken: string, names: readonly string[]): string | undefined {
  const words = new Set(mistaken.split('_'));
  const sharedWords = (name: string) => words.intersection(new Set(name.split('_'))).size;
  return names.toSorted(
    (a, b) => sharedWords(b) - sharedWords(a) || editDistance(mistaken, a) - editDistance(mistaken, b),
  )[0];
}
