import { en, type ParsedResult, sv } from 'chrono-node';
import type { Language } from './read-period.ts';

/** A text without the day that it begins or ends with. */
export interface DayAndRest {
  /** How many days ago, for a day that was said relative to today. */
  readonly daysAgo?: number;
  /** As 2026-12-24, for a day that was named. */
  readonly day?: string;
  readonly rest: string;
}

const dayMs = 86_400_000;
const weekdays = ['söndag', 'måndag', 'tisdag', 'onsdag', 'torsdag', 'fredag', 'lördag'];

/** Days ago in Swedish, where chrono does not know; the first that fits counts. */
const swedishDays: readonly (readonly [RegExp, (said: string, now: Date) => number])[] = [
  [/i ?förrgår/i, () => 2],
  // Not yet.
  [/i ?(?:över)?morgon|övermorgon/i, () => -1],
  [/i ?går/i, () => 1],
  [/i ?(?:dag|morse|kväll)(?!\p{L})/iu, () => 0],
  [/för (\d{1,3}) dag(?:ar)? sedan/i, Number],
  // "I fredags" is never today.
  [
    new RegExp(`i (${weekdays.join('|')})s`, 'i'),
    (said, now) => ((now.getUTCDay() - weekdays.indexOf(said.toLowerCase()) + 6) % 7) + 1,
  ],
];

/** The text without what was found, where that is at its beginning or end: elsewhere it is part of something else. */
function cut(text: string, { index, length }: { index: number; length: number }): string | undefined {
  const before = text
    .slice(0, index)
    .trim()
    .replace(/(?:^| )(?:on|den)$/i, '');
  const after = text.slice(index + length).trim();
  if (after === '') return before;
  return before === '' && /^(?:on|for|på|för)\s/i.test(after) ? after : undefined;
}

function isDay({ start, text }: ParsedResult): boolean {
  return (
    start.isCertain('day') ||
    start.isCertain('weekday') ||
    /^(?:this (?:morning|afternoon|evening)|tonight)$/i.test(text)
  );
}

/** The day of what chrono found. A day without a year was the last one that there has been. */
function dayOf({ start }: ParsedResult, now: Date): Date {
  const [year = 0, month = 1, day = 1] = (['year', 'month', 'day'] as const).map((part) => start.get(part) ?? 1);
  const date = new Date(Date.UTC(year, month - 1, day));
  if (date > now && !start.isCertain('year')) date.setUTCFullYear(year - 1);
  return date;
}

/** A text without the day that was found in it and was so many days ago; undefined for one that is still to come. */
function toAgo(daysAgo: number, rest: string): DayAndRest | undefined {
  return daysAgo < 0 ? undefined : { daysAgo, rest };
}

/**
 * Takes the day out of what a user said. Which day it is where the user lives is not known here, so "yesterday" stays
 * relative; it is counted from `now` in UTC only for days of the week. Undefined for a day that is still to come, such as
 * "tomorrow".
 */
export function readDay(text: string, now: Date, language: Language): DayAndRest | undefined {
  for (const [pattern, daysFor] of language === 'sv' ? swedishDays : []) {
    const found = pattern.exec(text);
    const rest = found && cut(text, { index: found.index, length: found[0].length });
    if (typeof rest === 'string') return toAgo(daysFor(found?.[1] ?? '', now), rest);
  }
  const parser = language === 'sv' ? sv : en;
  const found = parser.casual.parse(text, { instant: now, timezone: 0 }).findLast(isDay);
  const rest = found && cut(text, { index: found.index, length: found.text.length });
  if (found === undefined || rest === undefined) return { rest: text };
  const date = dayOf(found, now);
  const isNamed = /\d/.test(found.text) && !/\bago$/i.test(found.text);
  if (isNamed) return { day: date.toISOString().slice(0, 10), rest };
  return toAgo(Math.floor(now.getTime() / dayMs) - date.getTime() / dayMs, rest);
}
