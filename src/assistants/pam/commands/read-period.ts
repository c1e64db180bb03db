import type { Language } from '../../../kit/index.ts';
import { monthOf, type Period, type Span } from '../days.ts';

/** The days of a period, as the tools take them. */
type Days = { readonly period: Period } | { readonly last_days: number };

/** A text without the period that it ends with. */
export interface PeriodAndRest {
  readonly days?: Days;
  readonly rest: string;
}

const said: Readonly<Record<Language, Readonly<Record<Period, RegExp>>>> = {
  en: {
    today: /today$/i,
    yesterday: /yesterday$/i,
    this_week: /this week$/i,
    last_week: /last week$/i,
    this_month: /this month$/i,
    last_month: /last month$/i,
    this_year: /this year$/i,
    last_year: /last year$/i,
  },
  sv: {
    today: /i ?dag$/i,
    yesterday: /i ?går$/i,
    this_week: /(?:den här|denna) veckan?$/i,
    last_week: /förra veckan$/i,
    this_month: /(?:den här|denna) månad(?:en)?$/i,
    last_month: /förra månaden$/i,
    this_year: /(?:i år|(?:det här|detta) året?)$/i,
    last_year: /(?:i fjol|förra året)$/i,
  },
};

/** Up to today; of how many days, if it says. */
const lastDaysSaid: Readonly<Record<Language, RegExp>> = {
  en: /(?<!\S)(?:(?:in|over|during|for) )?(?:the )?(?:(?:last|past) (?<count>[1-9]\d{0,2}) days|past week)$/i,
  sv: /(?<!\S)(?:(?:under|på) )?(?:de |den )?senaste (?:(?<count>[1-9]\d{0,2}) dagarna|veckan)$/i,
};

/** Words that lead on to a day: where one was taken off, what is left does not end with them. */
const leads: Readonly<Record<Language, RegExp>> = {
  en: /(?<!\S)(?:on|in|at|by|for|to|of|from|until|till|before|after|since|during|over|between|about|around|than|early|earlier|late|just|right|this|the)$/i,
  sv: /(?<!\S)(?:i|på|för|till|tills|från|före|innan|efter|sedan|under|mellan|ungefär|cirka|än|tidigt|tidigare|sent|just|av|den|det)$/i,
};

/** Whether a text ends in the middle: "lunch before", "mat under". */
export function isUnfinished(text: string, language: Language): boolean {
  return leads[language].test(text);
}

const monthNames: Readonly<Record<Language, readonly string[]>> = {
  en: 'january february march april may june july august september october november december'.split(' '),
  sv: 'januari februari mars april maj juni juli augusti september oktober november december'.split(' '),
};

const monthsSaid = {
  en: new RegExp(`(?:^| )in (${monthNames.en.join('|')})(?: ([12]\\d{3}))?$`, 'i'),
  sv: new RegExp(`(?:^| )i (${monthNames.sv.join('|')})(?: ([12]\\d{3}))?$`, 'i'),
};

/** Takes a month off the end of what a user said; without a year, the last one that has begun in UTC. */
export function readMonth(text: string, now: Date, language: Language): { span?: Span; rest: string } {
  const found = monthsSaid[language].exec(text);
  if (found === null) return { rest: text };
  const month = monthNames[language].indexOf((found[1] ?? '').toLowerCase());
  const latest = now.getUTCFullYear() - (month <= now.getUTCMonth() ? 0 : 1);
  const year = found[2] === undefined ? latest : Number(found[2]);
  return { span: monthOf(year, month), rest: text.slice(0, found.index) };
}

/** Takes the period off the end of what a user said, unless it is part of something else: "before last week". */
export function readPeriod(text: string, language: Language): PeriodAndRest {
  const last = lastDaysSaid[language].exec(text);
  if (last !== null) {
    const rest = text.slice(0, last.index).trim();
    if (!isUnfinished(rest, language)) return { days: { last_days: Number(last.groups?.count ?? 7) }, rest };
  }
  for (const [period, pattern] of Object.entries(said[language]) as [Period, RegExp][]) {
    const found = pattern.exec(text);
    if (found === null || /\S$/.test(text.slice(0, found.index))) continue;
    const rest = text.slice(0, found.index).trim();
    if (!isUnfinished(rest, language)) return { days: { period }, rest };
  }
  return { rest: text };
}
