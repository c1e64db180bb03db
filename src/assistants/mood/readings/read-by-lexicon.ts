import english from 'afinn-165-multilingual/build/AFINN-en.json' with { type: 'json' };
import norwegian from 'afinn-165-multilingual/build/AFINN-no.json' with { type: 'json' };
import swedish from 'afinn-165-multilingual/build/AFINN-sv.json' with { type: 'json' };
import type { Reading } from '../schemas.ts';

/** What is known of a language without a model. */
interface Lexicon {
  readonly language: string;
  /** How good the feeling is that a word speaks of: from -5 to 5. */
  readonly ratings: ReadonlyMap<string, number>;
  /** Words that say little of a feeling, and much of the language. */
  readonly everyday: ReadonlySet<string>;
  /** Words that turn the next ones into their opposite. */
  readonly negations: ReadonlySet<string>;
}

/** The ratings of AFINN go so far. */
const strongest = 5;
/** "not happy", "not very happy": how far back a negation may be. */
const negationReach = 2;
/** Below it a mood is neither good nor bad. */
const neutralScore = 0.1;

/**
 * Common words of moods that the lists, which were translated by machine, do not have. "Feeling" is taken out: it says that
 * something is felt, not what, and made "feeling terrible" half as bad as "feel terrible".
 */
const changes = {
  en: { okay: 1, ok: 1, content: 2, meh: -1, feeling: null },
  sv: {
    ...{ stressad: -2, deppig: -2, hemskt: -3, jobbigt: -2, tråkigt: -2, nere: -2 },
    ...{ fint: 2, kul: 3, roligt: 3, toppen: 4, kär: 3 },
  },
  no: {
    ...{ bra: 3, gøy: 3, godt: 2, håpefull: 2, supert: 4, forelsket: 3 },
    ...{ sliten: -2, slitsom: -2, nedfor: -2, forbanna: -3 },
  },
};

/** Said in Swedish and in Norwegian alike. */
const scandinavian = 'i dag det har på så men var en for av til min mitt som'.split(' ');

function toLexicon(language: string, ratings: object, words: { everyday: string[]; negations: string[] }): Lexicon {
  const rated = Object.entries(ratings).filter((entry): entry is [string, number] => typeof entry[1] === 'number');
  return {
    language,
    ratings: new Map(rated.map(([word, rating]) => [word.toLowerCase(), rating])),
    everyday: new Set([...words.everyday, ...words.negations]),
    negations: new Set(words.negations),
  };
}

/** The first wins when a text speaks for several alike. */
const lexicons: readonly Lexicon[] = [
  toLexicon(
    'en',
    { ...english, ...changes.en },
    {
      everyday: "i'm am feel feeling the and is was my me today yesterday so very it to of this with been a".split(' '),
      negations: "not no never don't isn't wasn't didn't haven't can't".split(' '),
    },
  ),
  toLexicon(
    'sv',
    { ...swedish, ...changes.sv },
    {
      everyday: [
        ...scandinavian,
        ...'jag mig och är att mycket väldigt idag igår känner mår från efter hej'.split(' '),
      ],
      negations: 'inte ej aldrig ingen inget'.split(' '),
    },
  ),
  toLexicon(
    'no',
    { ...norwegian, ...changes.no },
    {
      everyday: [...scandinavian, ...'jeg meg og er å mye veldig nå føler fra etter går hei'.split(' ')],
      negations: 'ikke ikkje aldri ingen intet'.split(' '),
    },
  ),
];

function countKnown(words: readonly string[], { ratings, everyday }: Lexicon): number {
  return words.filter((word) => ratings.has(word) || everyday.has(word)).length;
}

function rate(words: readonly string[], { ratings, negations }: Lexicon): number[] {
  return words.flatMap((word, at) => {
    const rating = ratings.get(word);
    if (rating === undefined) return [];
    const isNegated = words.slice(Math.max(0, at - negationReach), at).some((before) => negations.has(before));
    return [isNegated ? -rating : rating];
  });
}

const sum = (numbers: readonly number[]): number => numbers.reduce((total, number) => total + number, 0);
const round = (number: number): number => Math.round(number * 1000) / 1000;

function nameMood(score: number): string {
  if (Math.abs(score) < neutralScore) return 'neutral';
  return score > 0 ? 'positive' : 'negative';
}

/**
 * Reads a mood from the words of a text: the mean of their ratings in AFINN, by Finn Årup Nielsen
 * (https://arxiv.org/abs/1103.2903), in the language most of whose words it has. The more words there are and the more
 * they agree, the surer the reading. Without any rated word it is neutral, and sure of nothing.
 */
export function readByLexicon(text: string): Reading {
  const words =
    text
      .toLowerCase()
      .replaceAll('’', "'")
      .match(/\p{L}+(?:['-]\p{L}+)*/gu) ?? [];
  const counts = lexicons.map((lexicon) => countKnown(words, lexicon));
  const most = Math.max(...counts);
  const lexicon = most === 0 ? undefined : lexicons[counts.indexOf(most)];
  const ratings = lexicon === undefined ? [] : rate(words, lexicon);
  const total = sum(ratings);
  const score = ratings.length === 0 ? 0 : round(total / ratings.length / strongest);
  const agreement = ratings.length === 0 ? 0 : Math.abs(total) / sum(ratings.map(Math.abs));
  const confidence = round((agreement * ratings.length) / (ratings.length + 1));
  return { mood: nameMood(score), score, confidence, language: lexicon?.language ?? 'und' };
}
