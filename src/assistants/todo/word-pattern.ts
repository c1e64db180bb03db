/** What a stem ends with, `/$/` for anything, and the endings that make forms of one word behind it. */
type Inflection = readonly [after: RegExp, ...endings: string[]];

const english: readonly Inflection[] = [
  // book, books
  [/[^s]$/, '', 's'],
  // box, boxes
  [/(?:[osx]|[cs]h)$/, '', 'es'],
  // berry, berries
  [/[^aeiou]$/, 'y', 'ies'],
];

/** Plurals and definite forms. In English many of them are other words: "print" and "printer", "cola" and "color". */
const swedish: readonly Inflection[] = [
  // räkning, räkningen, räkningar, räkningarna; paket, paketet; biljett, biljetter, biljetterna
  [/[^aeiouyåäö]$/, '', 'en', 'et', 'ar', 'arna', 'er', 'erna'],
  // vecka, veckan, veckor, veckorna
  [/$/, 'a', 'an', 'or', 'orna'],
  // bulle, bullen, bullar, bullarna; äpple, äpplet
  [/$/, 'e', 'en', 'et', 'ar', 'arna'],
  // nyckel, nyckeln, nycklar, nycklarna
  [/[^aeiouyåäö]$/, 'el', 'eln', 'lar', 'larna'],
  // dator, datorn; cykel, cykeln
  [/[eo][lr]$/, '', 'n'],
  // konto, kontot, konton; sko, skon, skor
  [/[oåö]$/, '', 'n', 'r', 't', 'rna'],
];

/** In a title, these are Swedish. */
const SWEDISH_WORDS = 'och|att|av|ett|mitt|mina|det|om|hos|med';

/** Before others, these are Swedish: "boka resa", "ring banken". */
const swedishVerbs = String.raw`\w{2,}a|byt|skriv|klipp|ring`;

/** What a title is like that is plainly Swedish. */
const swedishTitle = String.raw`.*[åäö]|.*\m(?:${SWEDISH_WORDS})\M|(?:${swedishVerbs})\s`;

const oneWord = String.raw`\w+$`;

/** In letters. With fewer "bus" is the plural of "bu" and "spa" a form of "span"; with more "bil" is none of "bilen". */
const MIN_STEM_LENGTH = 3;

function formsOf(word: string, inflections: readonly Inflection[]): string {
  const forms = inflections.flatMap(([after, ...endings]) =>
    endings
      .filter((ending) => word.endsWith(ending))
      .map((ending) => word.slice(0, word.length - ending.length))
      .filter((stem) => stem.length >= MIN_STEM_LENGTH && after.test(stem))
      .flatMap((stem) => endings.map((ending) => stem + ending)),
  );
  return [...new Set([word, ...forms])].join('|');
}

/**
 * A regular expression of Postgres for a word in a title, or an ordinary form of it: "milk" finds "milks", and "mjölken"
 * "köp mjölk", but "tea" is not in "write to the team at last". Swedish forms are found only in titles that are plainly
 * Swedish, and in titles of one word for who writes in Swedish. The word may have letters, marks, digits and underscores.
 */
export function wordPattern(said: string, language?: 'en' | 'sv'): string {
  const word = said.toLowerCase();
  const isSwedish = `^(?=${language === 'sv' ? `${oneWord}|` : ''}${swedishTitle})`;
  return String.raw`\m(?:${formsOf(word, english)})(?!\w)|${isSwedish}.*\m(?:${formsOf(word, swedish)})(?!\w)`;
}
