import type { ParsedResult } from 'chrono-node';
import * as en from 'chrono-node/en';
import * as sv from 'chrono-node/sv';

/** A language that commands are understood in. */
export type Language = 'en' | 'sv';

/** A number before a day of which nothing says that it is an hour: chrono takes "15 tomorrow" of "iPhone 15 tomorrow" for a time. */
const NUMBER_BEFORE_DAY =
  /^\d{1,2}(?:\.\d\d)?,?\s+(?=(?:(?:on|this|next|last|past) )?(?:\d|(?:today|tonight|tomorrow|yesterday|(?:mon|tues?|wed(?:nes)?|thu(?:rs)?|fri|sat(?:ur)?|sun)(?:day)?)(?!\p{L}))|in \d)/iu;

const english = en.casual.clone();
english.refiners.push({
  refine(_context, results) {
    for (const found of results) {
      const [number] = (found.start.isCertain('hour') && NUMBER_BEFORE_DAY.exec(found.text)) || [''];
      if (number === '') continue;
      found.index += number.length;
      found.text = found.text.slice(number.length);
      found.start.delete(['hour', 'minute', 'second', 'millisecond', 'meridiem']);
    }
    return results;
  },
});

/** What finds dates in a text. */
export const dateParserFor = (language: Language): typeof en.casual => (language === 'sv' ? sv.casual : english);

/** The day of what a parser found, at its beginning in UTC. */
export function dateOf({ start }: ParsedResult): Date {
  const [year = 0, month = 1, day = 1] = (['year', 'month', 'day'] as const).map((part) => start.get(part) ?? 1);
  return new Date(Date.UTC(year, month - 1, day));
}

/** 12/3 is the third of December to some and the twelfth of March to others. */
export function hasTwoReadings(text: string): boolean {
  const [, first, second] = /^(\d{1,2})[/.-](\d{1,2})\b/.exec(text) ?? [];
  return first !== second && Number(first) <= 12 && Number(second) <= 12;
}

const MONTH_NAMES =
  'jan(?:uari)?|feb(?:ruari)?|mars?|apr(?:il)?|maj|juni?|juli?|aug(?:usti)?|sept?(?:ember)?|okt(?:ober)?|nov(?:ember)?|dec(?:ember)?';
const DEFINITE_WEEKDAY = /(?<=(?<!\p{L})(?:mån|tis|ons|tors|fre|lör|sön)dag)en(?= den \d)/giu;
const ordinalDay = new RegExp(`(?<=(?<!\\S)\\d{1,2}):[ae](?= (?:${MONTH_NAMES})(?!\\p{L}))`, 'giu');

/** Has Swedish dates in the form in which chrono knows them: "måndagen den 5:e december" as "måndag den 5 december". */
export function toPlainSwedishDates(text: string): string {
  return text.replace(DEFINITE_WEEKDAY, '').replace(ordinalDay, '');
}
