import type { PlainCall, PlainText } from '../../../kit/index.ts';
import { readByLexicon } from '../readings/read-by-lexicon.ts';
import { readPeriod } from './read-period.ts';

/** A language that commands are understood in. */
export type Language = 'en' | 'sv';

type Kind = 'log' | 'maybe-log' | 'trend';

/** Each in full, and in the order in which they are tried. */
const rules: readonly (readonly [Language, Kind, RegExp])[] = [
  ['en', 'trend', /^how (?:was|is|has) my mood(?: been)?(?<when> .+)?$/],
  ['en', 'trend', /^how (?:have i (?:been feeling|been|felt)|did i feel|am i doing|was i feeling)(?<when> .+)?$/],
  ['en', 'trend', /^(?:show (?:me )?)?my mood(?<when> .+)?$/],
  ['sv', 'trend', /^hur (?:har jag mått|mådde jag|har jag det|mår jag|har jag känt mig)(?<when> .+)?$/],
  ['sv', 'trend', /^hur (?:har mitt humör varit|var mitt humör|är mitt humör)(?<when> .+)?$/],
  ['sv', 'trend', /^(?:visa )?mitt humör(?<when> .+)?$/],
  ['en', 'log', /^(?:i feel|i felt|i(?:'m| am| was) feeling|feeling)(?! like\b) .+$/],
  ['sv', 'log', /^(?:jag )?(?:känner mig|kände mig|mår|mådde) .+$/],
  ['en', 'maybe-log', /^(?:i(?:'m| am| was)|i(?:'ve| have) been) .+$/],
  ['sv', 'maybe-log', /^(?:jag är|jag var|jag har varit) .+$/],
  ['en', 'maybe-log', /^(?:\S+ ){1,3}today$/],
  ['sv', 'maybe-log', /^(?:\S+ ){1,3}i ?dag$/],
];

/** What a sentence asks for. */
interface Command {
  readonly language: Language;
  readonly call: PlainCall;
}

/** The command that a sentence is, from a time on; undefined when it is none that a rule knows. */
export function readCommand({ text, now }: PlainText): Command | undefined {
  const said = text.trim().replace(/\s+/g, ' ').replaceAll('’', "'");
  const sentence = said.replace(/[.!?]+$/, '').toLowerCase();
  for (const [language, kind, pattern] of rules) {
    const found = pattern.exec(sentence);
    if (found === null) continue;
    if (kind === 'trend') {
      const period = readPeriod(found.groups?.when?.trim() ?? '', now);
      return period && { language, call: { tool: 'mood_trend', input: { ...period } } };
    }
    // "I am at work" may mean anything; with a word of feeling in it, it is about a mood.
    if (said.endsWith('?') || (kind === 'maybe-log' && readByLexicon(said).confidence === 0)) return undefined;
    return { language, call: { tool: 'mood_log', input: { mood_text: said } } };
  }
  return undefined;
}
