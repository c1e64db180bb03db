import { DAY_MS } from '../../../base/days.ts';
import { type Language, type PlainCall, type PlainText, withoutGreetings, withoutThanks } from '../../../kit/index.ts';
import { readByLexicon } from '../readings/read-by-lexicon.ts';
import { readPeriod } from './read-period.ts';

type Kind = 'list' | 'log' | 'maybe-log' | 'past' | 'trend';

/** Behind "I feel": "like pizza" and "that he is right", but neither "like crap" nor "that bad". */
const NO_FEELING = '(?:like\\b(?! (?:crap|shit|hell)\\b)|that\\b(?! (?:bad|good|great)(?: (?:today|yesterday))?$))';

/** Each in full, and in the order in which they are tried. */
const rules: readonly (readonly [Language, Kind, RegExp])[] = [
  ['en', 'list', /^(?:(?:show|list)(?: me)? )?(?:my|the) (?:moods|mood (?:log|entries))$/],
  ['sv', 'list', /^(?:(?:visa|lista) )?(?:mina humör|min humörlogg|humörloggen)$/],
  ['en', 'trend', /^how (?:was|is|has) my mood(?: been)?(?<when> .+)?$/],
  ['en', 'trend', /^how (?:have i (?:been feeling|been|felt)|did i feel|am i doing|was i feeling)(?<when> .+)?$/],
  ['en', 'trend', /^(?:show (?:me )?)?my mood(?<when> .+)?$/],
  ['sv', 'trend', /^hur (?:har jag mått|mådde jag|har jag det|mår jag|har jag känt mig)(?<when> .+)?$/],
  ['sv', 'trend', /^hur (?:har mitt humör varit|var mitt humör|är mitt humör)(?<when> .+)?$/],
  ['sv', 'trend', /^(?:visa )?mitt humör(?<when> .+)?$/],
  [
    'en',
    'log',
    new RegExp(`^(?:i feel|i(?:'?m| am) feeling|i (?:don'?t|do not|never) feel|feeling)(?! ${NO_FEELING}) .+$`),
  ],
  ['sv', 'log', /^(?:(?:jag )?känner mig|jag mår) .+$/],
  ['en', 'past', new RegExp(`^i (?:felt|was feeling|was|(?:didn'?t|did not) feel)(?! ${NO_FEELING})(?<when> .+)$`)],
  ['sv', 'past', /^(?:(?:jag )?(?:kände mig|mådde)|jag var)(?<when> .+)$/],
  ['en', 'maybe-log', /^i(?:'?m| am) .+$/],
  ['sv', 'maybe-log', /^jag är .+$/],
  ['en', 'past', /^i(?:'ve)? had an? (?:\p{L}+ ){1,3}day(?<when>(?: .+)?)$/u],
  ['sv', 'past', /^jag (?:hade|har haft) en (?:\p{L}+ ){1,3}dag(?<when>(?: .+)?)$/u],
  [
    'en',
    'maybe-log',
    /^today (?:was|is|has been) (?:(?:not|so|very|really|quite|pretty|rather|too|an?) )*\S+(?: day)?$/,
  ],
  ['en', 'maybe-log', /^not (?:(?:feeling|so|too|very|that|really) )*(?:great|good|bad|happy|well|okay|ok|fine)$/],
  ['sv', 'maybe-log', /^inte (?:(?:så|särskilt|helt) )?(?:bra|dåligt|glad|kul|toppen)$/],
  // No more than how it is, for "mår Anna bra" and "she is sad today" are of somebody else.
  [
    'sv',
    'maybe-log',
    /^mår (?:(?:inte|alls|så|särskilt|väldigt|mycket|ganska|riktigt|rätt|lite|för) )*\S+(?:,? (?:tack|nu|i ?dag))*$/,
  ],
  [
    'en',
    'maybe-log',
    /^(?:(?:not|at all|feeling|so|very|really|quite|pretty|rather|too|a bit|a little) )*\S+(?: day)? today$/,
  ],
  [
    'sv',
    'maybe-log',
    /^(?:(?:inte|alls|så|särskilt|väldigt|mycket|ganska|riktigt|rätt|lite|för) )*\S+(?: dag)? i ?dag$/,
  ],
];

/** When somebody felt as they say in the past tense, by how the sentence ends. */
const pastDays: readonly (readonly [RegExp, number])[] = [
  [/ (?:yesterday|last night|i ?går|i ?går kväll)$/, 1],
  [/ (?:earlier today|today|this morning|i ?dag|i ?morse)$/, 0],
];

/** What tells of another time than just now: it is not known of which. */
const otherTime = new RegExp(
  `(?<!\\p{L})(?:${[
    'when|while|as a|before|ago|last|all|once|since|recently|(?:day|week|weekend|month|year|night)s?|\\p{L}+day',
    'när|medan|som|innan|sedan|förra|hela|förut|nyligen|dag(?:ar|en)?|veckan?|månad(?:en)?|år(?:et)?|natt|\\p{L}+dags',
    'i ?förrgår|fjol|helg(?:en)?|härom\\p{L}+|(?:mån|tis|ons|tors|fre|lör|sön)dag(?:en)?',
    'spring|summer|autumn|winter|våren|sommaren|hösten|vintern|(?:vår|somr|höst|vintr|jul|påsk)as',
    'januar[iy]|februar[iy]|march|mars|april|maj|jun[ie]|jul[iy]|august[i]?|september|o[ck]tober|november|december',
    '(?:in|\\d) may|\\d(?:st|nd|rd|th)|\\d/\\d|(?:19|20)\\d\\ds?|\\d0s',
  ].join('|')})(?!\\p{L})`,
  'u',
);

/** Said to somebody and not of oneself, for all that the lexicon rates it. */
const ADDRESS = /^(?:help|thanks?|stop|cancel|yes|no|please|hjälp|tack|stopp|sluta|avbryt|ja|nej)(?!\p{L})/iu;

/**
 * What the words for a feeling say too, of something else: "I'm sorry", "I'm happy to help", "I'm dying to see you", "I'm
 * free tomorrow". But who is happy to be alive, or free and happy, tells how they feel.
 */
const otherSense = new RegExp(
  `^(?:(?:${[
    "(?:i'?m|i am) (?:(?:not|so|very|really) )*(?:sorry|afraid (?:i|it|that|not|so)|good (?:to|with|for|at)|bad at|fine with|interested|free|sure|told|going to|dying (?:to|for))",
    "(?:i'?m|i am) (?:(?:not|so|very|really) )*(?:happy|glad) to(?! be(?! of))",
    'jag är (?:(?:inte|helt|nästan|ganska|så) )*(?:jätte|super|skit)?(?:klar|säker|intresserad|fri|(?:bra|dålig) på)',
  ].join('|')})(?!\\p{L}| (?:and|och) \\p{L}+$)|(?:free|fri) )`,
  'iu',
);

/** How many days ago somebody felt so; undefined when that is not clear. */
function readDaysAgo(said: string): number | undefined {
  const [pattern, daysAgo] = pastDays.find(([each]) => each.test(said)) ?? [/$/, 0];
  return otherTime.test(said.replace(pattern, '')) ? undefined : daysAgo;
}

/** What a sentence asks for. */
interface Command {
  readonly language: Language;
  readonly call: PlainCall;
}

function readLog({
  said,
  kind,
  now,
  when,
}: {
  said: string;
  kind: Kind;
  now: Date;
  when: string;
}): PlainCall | undefined {
  // "I am at work" may mean anything; with a word of feeling in it, it is about a mood.
  const isOfMood =
    kind === 'log' || (!ADDRESS.test(said) && !otherSense.test(said) && readByLexicon(said).confidence > 0);
  if (said.endsWith('?') || !isOfMood) return undefined;
  const daysAgo = kind === 'past' ? readDaysAgo(when) : 0;
  if (daysAgo === undefined) return undefined;
  const timestamp = new Date(now.getTime() - daysAgo * DAY_MS).toISOString();
  return { tool: 'mood_log', input: { mood_text: said, ...(daysAgo > 0 && { timestamp }) } };
}

/** The command that a sentence is, from a time on; undefined when it is none that a rule knows. */
export function readCommand({ text, now }: PlainText): Command | undefined {
  const said = text
    .trim()
    .replace(/\s+/g, ' ')
    .replaceAll(/[’‘´`]/g, "'");
  const sentence = withoutThanks(said.toLowerCase());
  for (const [language, kind, pattern] of rules) {
    const found = pattern.exec(sentence);
    if (found === null) continue;
    if (kind === 'list') return { language, call: { tool: 'mood_list', input: {} } };
    if (kind === 'trend') {
      const period = readPeriod(found.groups?.when?.trim() ?? '', now);
      return period && { language, call: { tool: 'mood_trend', input: { ...period } } };
    }
    const call = readLog({ said, kind, now, when: found.groups?.when ?? '' });
    return call && { language, call };
  }
  // Only now: "okay today" is how somebody feels.
  const greeted = withoutGreetings(said);
  return greeted === said ? undefined : readCommand({ text: greeted, now });
}
