import type { Language } from '../../../kit/index.ts';
import type { Span } from '../days.ts';
import { readDay } from './read-day.ts';

const said: Readonly<Record<Language, RegExp>> = {
  en: /^(?<rest>.*)(?<!\S)(?:between|from) (?<from>.+) (?:and|to|until|till) (?<to>.+)$/i,
  sv: /^(?<rest>.*)(?<!\S)(?:mellan|från) (?<from>.+) (?:och|till) (?<to>.+)$/i,
};

/** A date that has its year may be still to come: what was spent up to then may be asked for. */
const END_OF_TIME = new Date('9999-12-31');

/** The date that a text is, and nothing else. */
function dateOf(text: string, now: Date, language: Language): string | undefined {
  const found = readDay(text, /\d{4}/.test(text) ? END_OF_TIME : now, language);
  return found?.rest === '' ? found.day : undefined;
}

/** Takes two dates, both included, off the end of what a user said: "between 2026-11-01 and 2026-11-15". */
export function readBetween(text: string, now: Date, language: Language): { span: Span; rest: string } | undefined {
  const { rest = '', from: first = '', to: last = '' } = said[language].exec(text)?.groups ?? {};
  const from = dateOf(first, now, language);
  const to = dateOf(last, now, language);
  return from === undefined || to === undefined || from > to ? undefined : { span: { from, to }, rest: rest.trim() };
}
