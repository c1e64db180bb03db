import type { ParsedResult } from 'chrono-node';
import { DAY_MS, toDay } from '../../../base/days.ts';
import { dateOf, dateParserFor, hasTwoReadings, type Language, toPlainSwedishDates } from '../../../kit/index.ts';

/** A text without the day that it names. */
export interface DayAndRest {
  /** As 2026-12-24; null when the text names none. */
  readonly day: string | null;
  readonly rest: string;
}

/** A day, and where in a text it is named. */
interface Named {
  readonly start: number;
  readonly end: number;
  readonly day: string;
  /** What was said with it beside the day: "at 17:00". */
  readonly time?: string;
}

/** What stands between the words of a thing to do and its day: "by", or a comma. */
const joints = {
  en: /(?:^|\s+(?:[-–]\s*)?|[,:]\s*)(?:(?:for|by|on|until|till|due|at|(?:(?:this|the) )?coming):?)?$/i,
  sv: /(?:^|\s+(?:[-–]\s*)?|[,:]\s*)(?:till|senast|för|nu|på)?$/i,
};

/** Part of a date in digits: "the 5th of March", "den 3/4". */
const articles = { en: /(?<!\S)the $/i, sv: /(?<!\S)den $/i };

/** After these, a day is not the one that it is due. */
const OTHERWISE =
  /(?<!\p{L})(?:every|each|or|not|after|before|from|starting|since|over|during|of|the|varje|var|eller|inte|efter|före|innan|från|sedan|tills)$/iu;

/** Before a day of the week: it is another day than the next of that name, or not the day at all. */
const OTHER_WEEKDAY =
  /(?<!\p{L})(?:(?:an)?other|some|one|first|second|third|fourth|last|except|excluding|unless|black|cyber|good|easter|palm|ash|shrove|holy|en|annan|någon|andra|första|tredje|fjärde|sista|varannan|utom|förutom|svarta?)$/iu;
const IS_WEEKDAY = /^(?:mon|tues|wednes|thurs|fri|satur|sun)day|^(?:mån|tis|ons|tors|fre|lör|sön)dag/i;

/** How far off a day is, in days, where chrono does not know or has it wrong; the first that fits counts. */
const ownDays: Readonly<Record<Language, readonly (readonly [RegExp, (amount: string) => number])[]>> = {
  en: [
    [/\b(?:the )?day after tomorrow\b/i, () => 2],
    // Chrono takes "Friday tomorrow" for one day.
    [/\btomorrow\b/i, () => 1],
  ],
  sv: [
    [/(?<!\p{L})(?:i ?)?övermorgon\b/iu, () => 2],
    [/\bi ?morgon\b/i, () => 1],
    [/\bi ?dag\b/i, () => 0],
    [/(?<!\p{L})i ?kväll(?!\p{L})/iu, () => 0],
    [/\b(?:i )?nästa vecka\b/i, () => 7],
    [/\bom (\d{1,3}) dag(?:ar)?\b/i, Number],
    [/\bom (\d{1,2}) veck(?:a|or)\b/i, (amount) => 7 * Number(amount)],
    [/\bom en vecka\b/i, () => 7],
  ],
};

/** "Friday 5 December" in a year in which that is a Saturday, or what chrono takes for one day: "Friday tomorrow". */
function contradictsItself(found: ParsedResult): boolean {
  const { start } = found;
  return start.isCertain('weekday') && start.isCertain('day') && dateOf(found).getUTCDay() !== start.get('weekday');
}

function isDay(found: ParsedResult, language: Language): boolean {
  const { start, end, text } = found;
  if (contradictsItself(found)) return false;
  if (end || !(start.isCertain('day') || start.isCertain('weekday'))) return false;
  // "In 3 hours" is counted from a clock, "the week" is of "the end of the week", where chrono's ends on a
  // Saturday, a weekend is two days, "sun" is a word.
  if (
    start.isCertain('timezoneOffset') ||
    /^(?:last |the |end of .*week)|weekend/i.test(text) ||
    /^\p{L}{1,4}$/u.test(text)
  )
    return false;
  return language === 'sv' || !hasTwoReadings(text);
}

function timeOf({ start, text }: ParsedResult): string | undefined {
  const two = (part: 'hour' | 'minute') => String(start.get(part) ?? 0).padStart(2, '0');
  if (start.isCertain('hour')) {
    const [said] = /(?<=\b(?:at|before|after) )\d{1,2}(?:[:.]\d\d)?|\d{1,2}:\d\d/i.exec(text) ?? [];
    const [joint = 'at'] = /\b(?:before|after)\b/i.exec(text) ?? [];
    // "At 7" may be in the morning or in the evening.
    const isClear = start.isCertain('meridiem') || Number(start.get('hour')) > 12;
    return `${joint} ${isClear || said === undefined ? `${two('hour')}:${two('minute')}` : said}`;
  }
  if (/ night$/i.test(text)) return 'at night';
  const [part] = /(?:morning|afternoon|evening)$/i.exec(text) ?? [];
  return part && `in the ${part.toLowerCase()}`;
}

function findOwnDays(text: string, now: Date, language: Language): Named[] {
  return ownDays[language].flatMap(([pattern, daysFor]) => {
    const found = pattern.exec(text);
    if (found === null) return [];
    const day = toDay(new Date(now.getTime() + daysFor(found[1] ?? '') * DAY_MS));
    return [{ start: found.index, end: found.index + found[0].length, day }];
  });
}

function toNamed(found: ParsedResult): Named {
  const time = timeOf(found);
  return {
    ...{ start: found.index, end: found.index + found.text.length },
    day: toDay(dateOf(found)),
    ...(time !== undefined && { time }),
  };
}

/** The days that a text names, counted from `now` in UTC. */
function findDays(text: string, now: Date, language: Language): Named[] {
  // From the beginning of the day on: chrono takes days for noon, and what has passed for the next of its name. The day
  // is that of UTC in the time zone of the machine: chrono compares with that zone even when it is told another.
  const midnight = new Date(now.getUTCFullYear(), now.getUTCMonth(), now.getUTCDate());
  const found = dateParserFor(language).parse(text, midnight, { forwardDate: true });
  // The end of "from today until tomorrow" is not the day that it is due.
  const isOfMore = ({ start }: Named): boolean =>
    found.some(({ index, text: { length }, end }) => end && index <= start && start < index + length);
  const named = [
    ...findOwnDays(text, now, language).filter((each) => !isOfMore(each)),
    ...found.filter((each) => isDay(each, language)).map(toNamed),
  ].toSorted((a, b) => b.end - b.start - (a.end - a.start));
  // Of two readings of the same words the longer counts, as "Tuesday next week" does; of equals the first.
  return named.filter(({ start, end }, at) =>
    named.slice(0, at).every((each) => end <= each.start || each.end <= start),
  );
}

/**
 * Takes the day off the end of what a user said. A day in the middle is part of what is to be done ("order Sunday
 * roast"), and so are one of several, one that comes again and one that has passed: what is due then is not known.
 */
export function readDay(said: string, now: Date, language: Language): DayAndRest {
  const whole = { day: null, rest: said };
  const text = toPlainSwedishDates(said);
  const [named, another] = findDays(text, now, language);
  if (named === undefined || another !== undefined || named.day < toDay(now)) return whole;
  const lead = text.slice(0, named.start);
  if (!said.startsWith(lead)) return whole;
  if (IS_WEEKDAY.test(text.slice(named.start)) && OTHER_WEEKDAY.test(lead.trimEnd())) return whole;
  const isInDigits = /\d/.test(text.charAt(named.start));
  const before = (isInDigits ? lead.replace(articles[language], '') : lead).trimEnd().replace(joints[language], '');
  const after = text.slice(named.end).trim();
  const isAtEnd = after === '' || /^(?:at|kl\.?|klockan) ?\d{1,2}(?:[:.]\d\d)?$/i.test(after);
  if (!isAtEnd || OTHERWISE.test(before)) return whole;
  // What is to be done "by 5pm tomorrow" is not at five.
  const [limit] = /(?<!\S)(?:by|until|till)$/i.exec(lead.trimEnd()) ?? [];
  const time = limit === undefined ? named.time : named.time?.replace(/^\S+/, limit);
  const rest = [before, time ?? '', after];
  return { day: named.day, rest: rest.filter((part) => part !== '').join(' ') };
}
