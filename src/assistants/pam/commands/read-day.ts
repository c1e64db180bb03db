import type { ParsedResult } from 'chrono-node';
import { DAY_MS, toDay } from '../../../base/days.ts';
import { dateOf, dateParserFor, hasTwoReadings, type Language, toPlainSwedishDates } from '../../../kit/index.ts';
import { EARLIEST_MS, type Weekday, weekdays } from '../days.ts';
import { isUnfinished } from './read-period.ts';

/** A day that was said relative to today, which is another day elsewhere. */
interface Ago {
  /** How many days ago. */
  readonly daysAgo: number;
  /** How many hours before now the days are counted from. */
  readonly hoursAgo?: number;
  /** The last day of that name which is at least so many days ago. */
  readonly weekday?: Weekday;
}

/** A text without the day that it begins or ends with. */
export interface DayAndRest extends Partial<Ago> {
  /** As 2026-12-24, for a day that was named. */
  readonly day?: string;
  readonly rest: string;
}

const swedishWeekdays = ['söndag', 'måndag', 'tisdag', 'onsdag', 'torsdag', 'fredag', 'lördag'];

/** Numbers of hours as they are said. */
const counts: Readonly<Record<string, number>> = {
  ...{ an: 1, one: 1, two: 2, 'a couple of': 2, three: 3, 'a few': 3, four: 4, five: 5, six: 6 },
  ...{ en: 1, två: 2, 'ett par': 2, tre: 3, några: 3, fyra: 4, fem: 5, sex: 6 },
};
const count = `(${Object.keys(counts).join('|')}|\\d{1,2})`;
const readHoursAgo = (said: string): Ago => ({ daysAgo: 0, hoursAgo: counts[said.toLowerCase()] ?? Number(said) });

/** Days where chrono does not know or has it wrong; the first that fits counts. */
const ownDays: Readonly<Record<Language, readonly (readonly [RegExp, (said: string) => Ago])[]>> = {
  en: [
    [/\b(?:the )?day before yesterday\b/i, () => ({ daysAgo: 2 })],
    [/\blast night\b/i, () => ({ daysAgo: 1 })],
    [/\b(?:just |right )?now\b/i, () => ({ daysAgo: 0 })],
    [
      /\b(?:just |about )?(?:a (?:moment|minute)|half an hour|(?:a few|\d{1,2}) minutes) ago\b/i,
      () => ({ daysAgo: 0 }),
    ],
    [new RegExp(`\\b(?:just |about )?${count} hours? ago\\b`, 'i'), readHoursAgo],
  ],
  sv: [
    [/(?<!\p{L})i ?förrgår/iu, () => ({ daysAgo: 2 })],
    // Not yet.
    [/(?<!\p{L})(?:i ?(?:över)?morgon|övermorgon)/iu, () => ({ daysAgo: -1 })],
    [/(?<!\p{L})i ?går(?: (?:morse|förmiddag|eftermiddag|kväll))?/iu, () => ({ daysAgo: 1 })],
    [/(?<!\p{L})i ?(?:dag|morse|förmiddag|middags|eftermiddag|kväll)/iu, () => ({ daysAgo: 0 })],
    [/(?<!\p{L})(?:(?:alldeles|just|precis) )?(?:nu|nyss)/iu, () => ({ daysAgo: 0 })],
    [/(?<!\p{L})för (?:en (?:stund|minut|halvtimme)|(?:några|\d{1,2}) minuter) sedan/iu, () => ({ daysAgo: 0 })],
    [new RegExp(`(?<!\\p{L})för (?:ungefär |cirka )?${count} timm(?:e|ar) sedan`, 'iu'), readHoursAgo],
    [/(?<!\p{L})för (\d{1,3}) dag(?:ar)? sedan/iu, (said) => ({ daysAgo: Number(said) })],
    // "I fredags" is never today.
    ...weekdays.map((weekday, at) => {
      return [new RegExp(`(?<!\\p{L})i ${swedishWeekdays[at]}s`, 'iu'), () => ({ daysAgo: 1, weekday })] as const;
    }),
  ],
};

/** The name of a day that is a weekday only in part, or another than the last of that name: "Black Friday". */
const OWN_NAME_OF_DAY =
  /(?<!\p{L})(?:black|cyber|good|easter|palm|(?:an)?other|some|one|first|svarta?|varannan) (?:(?:mon|tues|wednes|thurs|fri|satur|sun)day|(?:mån|tis|ons|tors|fre|lör|sön)dag)/iu;

/** The text without what was found, where that is at its beginning or end: elsewhere it is part of something else. */
function cut(text: string, found: { index: number; length: number }, language: Language): string | undefined {
  const { index, length } = found;
  const before = text
    .slice(0, index)
    .trim()
    .replace(/(?:^| )(?:(?:on )?the|on|den)$/i, '')
    .replace(/\s*[,.;:–-]$/, '');
  if (isUnfinished(before, language)) return undefined;
  const after = text.slice(index + length).trim();
  if (after === '') return before;
  return before === '' && /^(?:on|for|på|för)\s/i.test(after) ? after : undefined;
}

function isDay({ start, text }: ParsedResult): boolean {
  // Hours that are not understood may have been of yesterday, and "in 3 hours" is still to come.
  if (start.tags().has('result/relativeDateAndTime')) return false;
  return (
    start.isCertain('day') ||
    start.isCertain('weekday') ||
    /^(?:this (?:morning|afternoon|evening)|tonight)$/i.test(text)
  );
}

/** "Last 7 days", "this week", and what is counted from a day that is not said: chrono has a day for them too. */
const NOT_ONE_DAY =
  /^(?:next|after|(?:last|past|this)(?! (?:night|morning|afternoon|evening|\p{L}+day)\b)) | (?:before|earlier|later)$/iu;

/** A date: without a year, the last one that there has been. Undefined for one that is still to come. */
function lastDate(found: ParsedResult, now: Date): Date | undefined {
  const { start } = found;
  const date = dateOf(found);
  // Where it is that day already, it may have been spent.
  if (date.getTime() <= now.getTime() + EARLIEST_MS) return date;
  if (start.isCertain('year')) return undefined;
  date.setUTCFullYear(date.getUTCFullYear() - 1);
  // No year has a 29 February after another.
  return date.getUTCMonth() + 1 === start.get('month') ? date : undefined;
}

/**
 * The day of what chrono found: without a year or a date, the last one that there has been. Undefined for one that is
 * still to come, for one that may be another, and for more than a day.
 */
function dayOf(found: ParsedResult, now: Date): Date | undefined {
  const { start, end, text } = found;
  if (end || NOT_ONE_DAY.test(text)) return undefined;
  const date = lastDate(found, now);
  // "Friday 5 December" when that was a Saturday, and what chrono takes for one day: "Friday yesterday".
  return start.isCertain('weekday') && date?.getUTCDay() !== start.get('weekday') ? undefined : date;
}

/** The day of the week that chrono found, if it is one: the last that there has been. Undefined when it may be another. */
function readWeekday({ start, end, text }: ParsedResult, language: Language): Ago | 'none' | undefined {
  const weekday = weekdays.find((_, at) => at === start.get('weekday'));
  if (weekday === undefined || start.isCertain('day') || !start.isCertain('weekday')) return 'none';
  // "This Friday" may be still to come, as "på fredag" is in Swedish.
  if (end || language === 'sv' || /\b(?:this|next|week(?:end)?)\b/i.test(text)) return undefined;
  // "Last Friday" is never today.
  return { daysAgo: /\b(?:last|past)\b/i.test(text) ? 1 : 0, weekday };
}

/** Whether what chrono found has a date of its own, as "the second of November" and "2026-11-03" have. */
function isDate({ start, text }: ParsedResult): boolean {
  if (start.isCertain('day') && !start.isCertain('year')) return true;
  // "Yesterday at 5" has a digit too.
  return /\d/.test(text) && !/\b(?:ago|today|yesterday|tonight|last night)\b/i.test(text);
}

/** A text without the day that was found in it; undefined for one that is still to come. */
function toAgo(ago: Ago | undefined, rest: string): DayAndRest | undefined {
  return ago === undefined || ago.daysAgo < 0 ? undefined : { ...ago, rest };
}

/** Takes the day out that chrono does not know. */
function readOwnDay(text: string, language: Language): DayAndRest | 'none' | undefined {
  for (const [pattern, agoFor] of ownDays[language]) {
    const found = pattern.exec(text);
    const rest = found && cut(text, { index: found.index, length: found[0].length }, language);
    if (typeof rest === 'string') return toAgo(agoFor(found?.[1] ?? ''), rest);
  }
  return 'none';
}

/**
 * Noon, in the time zone of the machine, of the day that it is in UTC: chrono compares with that zone even when it is told
 * another. Noon, since clocks are changed at night, and an hour before or after is the same day.
 */
function noonOf(now: Date): Date {
  return new Date(now.getUTCFullYear(), now.getUTCMonth(), now.getUTCDate(), 12);
}

/**
 * Takes the day out of what a user said. Which day it is where the user lives is not known here, so "yesterday" and "on
 * Friday" stay relative. Undefined for a day that is still to come, such as "tomorrow", and for one that may be another,
 * such as 12/3 and "this Friday".
 */
export function readDay(said: string, now: Date, language: Language): DayAndRest | undefined {
  const text = toPlainSwedishDates(said);
  if (OWN_NAME_OF_DAY.test(text)) return undefined;
  const own = readOwnDay(text, language);
  if (own !== 'none') return own;
  const found = dateParserFor(language).parse(text, noonOf(now)).findLast(isDay);
  const rest = found && cut(text, { index: found.index, length: found.text.length }, language);
  if (found === undefined || rest === undefined) return { rest: text };
  const weekday = readWeekday(found, language);
  if (weekday !== 'none') return toAgo(weekday, rest);
  const date = dayOf(found, now);
  if (date === undefined || (language === 'en' && hasTwoReadings(found.text))) return undefined;
  if (isDate(found)) return { day: toDay(date), rest };
  return toAgo({ daysAgo: Math.floor(now.getTime() / DAY_MS) - date.getTime() / DAY_MS }, rest);
}
