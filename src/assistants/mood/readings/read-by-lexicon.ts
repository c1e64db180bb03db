import english from 'afinn-165-multilingual/build/AFINN-en.json' with { type: 'json' };
import norwegian from 'afinn-165-multilingual/build/AFINN-no.json' with { type: 'json' };
import swedish from 'afinn-165-multilingual/build/AFINN-sv.json' with { type: 'json' };
import type { Reading } from '../schemas.ts';

/** What is known of a language without a model. */
interface Lexicon {
  readonly language: 'en' | 'sv' | 'no';
  /** How good the feeling is that a word speaks of: from -5 to 5. */
  readonly ratings: ReadonlyMap<string, number>;
  /** Words that say little of a feeling, and much of the language: a negation reaches past them. */
  readonly everyday: ReadonlySet<string>;
  /** Words that turn the next ones into their opposite. */
  readonly negations: ReadonlySet<string>;
}

/** The ratings of AFINN go so far. */
const STRONGEST = 5;
/** How many words a negation turns, everyday ones not counted: two of "did not have a very good day". */
const NEGATION_REACH = 2;
/** Below it a mood is neither good nor bad. */
const NEUTRAL_SCORE = 0.1;

/**
 * Common words of moods that the lists, which were translated by machine, do not have. "Feeling" is taken out: it says that
 * something is felt, not what, and made "feeling terrible" half as bad as "feel terrible". So are "no", "stop" ("sluta")
 * and "helt": what there is none of, or no end of, or entirely, tells. "Redo" is ready in Swedish, and no feeling. Norwegian
 * "forferdelig" is terrible, not terrific; "best" and "tilfreds" are the best and content, which the list has as bad. Who thanks,
 * or asks for help, says nothing of how they feel.
 */
const changes = {
  en: {
    ...{ okay: 1, ok: 1, content: 2, meh: -1, blessed: 3, overwhelmed: -2, feeling: null, no: null, stop: null },
    ...{ thank: null, thanks: null, please: null, help: null, helping: null },
  },
  sv: {
    ...{ stressad: -2, deppig: -2, hemskt: -3, jobbigt: -2, tråkigt: -2, nere: -2, illa: -3, dåligt: -3, sluta: null },
    ...{ fint: 2, kul: 3, roligt: 3, toppen: 4, kär: 3, prima: 3, happy: 3, okej: 1, ok: 1, jättebra: 4 },
    ...{ sådär: -1, jättedåligt: -4, redo: null, utbränd: -3, peppad: 2, taggad: 2 },
    ...{ hatar: -3, gråter: -2, skönt: 3, mysigt: 2, tack: null, hjälp: null },
  },
  no: {
    ...{ bra: 3, gøy: 3, godt: 2, håpefull: 2, supert: 4, forelsket: 3 },
    ...{ sliten: -2, slitsom: -2, nedfor: -2, forbanna: -3, helt: null },
    ...{ gleder: 3, vondt: -2, gråter: -2, deilig: 3, koselig: 2, stressa: -2, forferdelig: -3, best: 3, tilfreds: 2 },
    ...{ hjelp: null, hjelpe: null },
  },
};

/** Said in Swedish and in Norwegian alike. */
const scandinavian = 'i dag det har på så sa men var en for av til min mitt som kan noe eller'.split(' ');

/** Words of negation, without the apostrophe that many leave out. */
const negations = {
  en: [
    ...'not no never none nothing nobody neither nor without cannot hardly barely scarcely rarely seldom'.split(' '),
    ...'dont doesnt didnt isnt arent wasnt werent havent hasnt hadnt'.split(' '),
    ...'cant couldnt wont wouldnt shouldnt aint'.split(' '),
  ],
  sv: 'inte ej icke aldrig ingen inget inga ingenting varken utan knappast knappt sällan'.split(' '),
  no: 'ikke ikkje aldri ingen intet ingenting verken hverken uten neppe knapt sjelden'.split(' '),
};

/** Those that are so in any language, for people mix them: "I am inte glad". "No" is "now" in Nynorsk. */
const anyNegation = new Set(Object.values(negations).flat());
anyNegation.delete('no');

/** Phrases that negate, and what is read in place of them. */
const negatingPhrases: readonly (readonly [RegExp, string])[] = [
  [/\b(?:anything but|far from)\b/g, 'not'],
  [/(?<!\p{L})(?:allt annat än|långt ifrån)(?!\p{L})/gu, 'inte'],
  [/(?<!\p{L})(?:alt annet enn|langt (?:i)?fra)(?!\p{L})/gu, 'ikke'],
];

/** Before a word of feeling they say how much, not what: "pretty bad", "so damn happy", "jävla bra". */
const intensifiers = new Set('fucking damn bloody pretty crazy jävla jäkla sjukt jævla'.split(' '));
/** The same in one word: "jätteglad", "kjempesliten". */
const intensePrefixes = {
  en: /^super(?=\p{L}{3})/u,
  sv: /^(?:jätte|skit|super)(?=\p{L}{3})/u,
  no: /^(?:kjempe|drit|super)(?=\p{L}{3})/u,
};

/** What ends the reach of a negation: "not bad, I am happy", "not sad but happy", "not sad, just tired". */
const clauseEnds = new Set([...'.…,;:!?()–—-\n', ...'but men and och og just only bara bare'.split(' ')]);

/** Everyday words that a negation does not reach past, for they may begin another statement: "not sad I am happy". */
const subjects = new Set("i i'm im it jag jeg".split(' '));

const BEEN = '(?:been|felt|varit|mått|känt mig|haft det|vært|følt meg|hatt det)';
const BETTER = '(?:better|worse|more|bättre|sämre|mer|bedre|verre|mere)';

/** Negations that do not turn what comes after them, though it is near. */
const endedNegation = new RegExp(
  `(?<!\\p{L})(?:${[
    // "No I feel good", "jag sov inte så jag är trött".
    'no(?= im?\\b)|(?:inte|ikke)(?= s[åa] j[ae]g)',
    // Who cannot stop crying cries.
    '(?:cant|can ?not|couldnt) (?:stop|wait)|kan inte (?:sluta|vänta)|kan ikke (?:slutte|vente)',
    // What could not be better is very good, and so is what has not been this good before.
    `(?:couldnt|could not|kunde inte|kunne ikke) (?:be|feel|vara|må|være)(?= ${BETTER})`,
    `(?:never|aldrig|aldri) ${BEEN}(?= (?:so|s[åa]|${BETTER})(?!\\p{L}))|${BEEN}(?= (?:this|så här))`,
    // "Not sad but happy": anywhere else the same word is "without".
    '(?:inte|ej|icke)(?: \\p{L}+){1,4},? utan',
  ].join('|')})(?!\\p{L})`,
  'gu',
);

/** Swedish and Norwegian negate a verb after it: "jag gillar inte", "jeg gleder meg ikke". */
const NEGATED_VERB = /(\p{L}+(?:r|s|de|te)(?: m[ei]g)? (inte|ej|icke|aldrig|ikke|ikkje|aldri))(?!\p{L})/gu;

/** What is read in place of words that tell of a mood only behind "feel": neither in "well, no" nor in "slept less". */
const feltWords: Readonly<Record<string, string>> = { well: 'good', down: 'sad', less: 'not', mindre: 'inte' };
const FELT_WORD =
  /(?<=\b(?:feel|feeling|felt|känner mig) (?:(?:so|very|really|quite|pretty|too|that|a bit|a little) )?)(?:well|down|less|mindre)\b/g;

function toLexicon(
  language: Lexicon['language'],
  ratings: object,
  words: { everyday: string[]; negations: string[] },
): Lexicon {
  const rated = Object.entries(ratings).filter((entry): entry is [string, number] => typeof entry[1] === 'number');
  return {
    language,
    ratings: new Map(rated.map(([word, rating]) => [word.toLowerCase(), rating])),
    everyday: new Set([...words.everyday, ...words.negations]),
    negations: new Set([...anyNegation, ...words.negations]),
  };
}

/** The first wins when a text speaks for several alike. */
const lexicons: readonly Lexicon[] = [
  toLexicon(
    'en',
    { ...english, ...changes.en },
    {
      everyday: [
        ..."i i'm im it".split(' '),
        ...'am feel feeling felt the and is was were be been being has have had having do did doing'.split(' '),
        ...'my me today yesterday so very to of this that with in a an or any at all as such think say'.split(' '),
        ...'too much really quite particularly especially exactly even longer'.split(' '),
      ],
      negations: negations.en,
    },
  ),
  toLexicon(
    'sv',
    { ...swedish, ...changes.sv },
    {
      everyday: [
        ...scandinavian,
        ...'jag mig och är ar att mycket väldigt valdigt idag igår känner kanner känt mår mar mått'.split(' '),
        ...'haft vara varit ett från efter för hej tror tycker säga något nåt någon nån'.split(' '),
        ...'alls särskilt sarskilt speciellt riktigt direkt precis helt ens heller längre'.split(' '),
      ],
      negations: negations.sv,
    },
  ),
  toLexicon(
    'no',
    { ...norwegian, ...changes.no },
    {
      everyday: [
        ...scandinavian,
        ...'jeg meg og er å at et mye veldig nå føler foler følt fra etter går hei hatt være vært'.split(' '),
        ...'tror synes si noen særlig saerlig spesielt akkurat helt hele tatt engang heller lenger'.split(' '),
      ],
      negations: negations.no,
    },
  ),
];

function ratingOf(word: string, { ratings, language }: Lexicon): number | undefined {
  return ratings.get(word) ?? ratings.get(word.replace(intensePrefixes[language], ''));
}

function countKnown(words: readonly string[], lexicon: Lexicon): number {
  return words.filter((word) => ratingOf(word, lexicon) !== undefined || lexicon.everyday.has(word)).length;
}

/** How many more words are turned after this one, `next` being the one after it. */
function reachAfter([word, next]: readonly [string, string], reach: number, lexicon: Lexicon): number {
  const { everyday, negations } = lexicon;
  if (negations.has(word)) return NEGATION_REACH;
  if (clauseEnds.has(word)) return 0;
  // "Did not sleep much so feel terrible", but neither "not so good" nor "did not sleep so good".
  if (/^s[oå]$/.test(word) && reach < NEGATION_REACH && (ratingOf(next, lexicon) ?? 0) <= 0) return 0;
  return everyday.has(word) && !subjects.has(word) ? reach : reach - 1;
}

function rate(words: readonly string[], lexicon: Lexicon): number[] {
  let reach = 0;
  return words.flatMap((word, at) => {
    const next = words[at + 1] ?? '';
    const rating = ratingOf(word, lexicon);
    const isNegated = reach > 0;
    reach = reachAfter([word, next], reach, lexicon);
    if (rating === undefined || (intensifiers.has(word) && ratingOf(next, lexicon) !== undefined)) return [];
    return [isNegated ? -rating : rating];
  });
}

const sum = (numbers: readonly number[]): number => numbers.reduce((total, number) => total + number, 0);
const round = (number: number): number => Math.round(number * 1000) / 1000;

function nameMood(score: number): string {
  if (Math.abs(score) < NEUTRAL_SCORE) return 'neutral';
  return score > 0 ? 'positive' : 'negative';
}

/**
 * Reads a mood from the words of a text: the mean of their ratings in AFINN, by Finn Årup Nielsen
 * (https://arxiv.org/abs/1103.2903), in the language most of whose words it has. The more words there are and the more
 * they agree, the surer the reading. Without any rated word it is neutral, and sure of nothing.
 */
export function readByLexicon(text: string): Reading {
  const plain = text
    .toLowerCase()
    .replaceAll(/[’‘´`]/g, "'")
    .replaceAll(/n't\b/g, 'nt');
  const words =
    negatingPhrases
      .reduce((said, [phrase, negation]) => said.replaceAll(phrase, negation), plain)
      .replaceAll(FELT_WORD, (word) => feltWords[word] ?? word)
      .replaceAll(endedNegation, '$&;')
      .replaceAll(NEGATED_VERB, '$2 $1')
      .match(/\p{L}+(?:['-]\p{L}+)*|[.…,;:!?()–—\n-]/gu) ?? [];
  const counts = lexicons.map((lexicon) => countKnown(words, lexicon));
  const most = Math.max(...counts);
  const lexicon = most === 0 ? undefined : lexicons[counts.indexOf(most)];
  const ratings = lexicon === undefined ? [] : rate(words, lexicon);
  const total = sum(ratings);
  const score = ratings.length === 0 ? 0 : round(total / ratings.length / STRONGEST);
  const agreement = ratings.length === 0 ? 0 : Math.abs(total) / sum(ratings.map(Math.abs));
  const confidence = round((agreement * ratings.length) / (ratings.length + 1));
  return { mood: nameMood(score), score, confidence, language: lexicon?.language ?? 'und' };
}
