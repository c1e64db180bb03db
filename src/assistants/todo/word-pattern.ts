/** What a stem ends with, `/$/` for anything, and the endings that make forms of one word behind it. */
type Inflection = readonly [after: RegExp, ...endings: string[]];

/**
 * Plurals and definite forms of English and Swedish. Without those that make another word of too many in the other
 * language: -et ("wall" and "wallet") and -er ("print" and "printer").
 */
const inflections: readonly Inflection[] = [
  // book, books
  [/[^s]$/, '', 's'],
  // box, boxes
  [/(?:[osx]|[cs]h)$/, '', 'es'],
  // berry, berries
  [/[^aeiou]$/, 'y', 'ies'],
  // räkning, räkningen, räkningar, räkningarna; biljetten, biljetterna
  [/[^aeiouyåäö]$/, '', 'en', 'ar', 'arna', 'erna'],
  // biljetter, biljetterna
  [/$/, 'er', 'erna'],
  // vecka, veckan, veckor, veckorna
  [/$/, 'a', 'an', 'or', 'orna'],
  // bulle, bullen, bullar, bullarna
  [/$/, 'e', 'en', 'ar', 'arna'],
  // nyckel, nyckeln; dator, datorn
  [/[eo][lr]$/, '', 'n'],
];

/** In letters. With fewer "bus" is the plural of "bu" and "spa" a form of "span"; with more "bil" is none of "bilen". */
const minStemLength = 3;

function formsOf(word: string): string[] {
  return inflections.flatMap(([after, ...endings]) =>
    endings
      .filter((ending) => word.endsWith(ending))
      .map((ending) => word.slice(0, word.length - ending.length))
      .filter((stem) => stem.length >= minStemLength && after.test(stem))
      .flatMap((stem) => endings.map((ending) => stem + ending)),
  );
}

/**
 * A regular expression of Postgres for a word in a title, or an ordinary form of it: "milk" and "mjölken" find "milks"
 * and "mjölk", but "tea" is not in "write to the team at last". The word may have letters, marks, digits and
 * underscores.
 */
export function wordPattern(word: string): string {
  const forms = new Set([word, ...formsOf(word.toLowerCase())]);
  return String.raw`\m(?:${[...forms].join('|')})(?!\w)`;
}
