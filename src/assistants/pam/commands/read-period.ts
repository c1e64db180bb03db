import { monthOf, type Period, type Span } from '../days.ts';

/** A language that commands are understood in. */
export type Language = 'en' | 'sv';

/** A text without the period that it ends with. */
export interface PeriodAndRest {
  readonly period?: Period;
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

const monthNames: Readonly<Record<Language, readonly string[]>> = {
  en: 'january february march april may june july august september october november december'.split(' '),
  sv: 'januari februari mars april maj juni juli augusti september oktober november december'.split(' '),
};

const monthsSaid = {
  en: new RegExp(`(?:^| )in (${monthNames.en.join('|')})(?: ([12]\\d{3}))?$`, 'i'),
  sv: new RegExp(`(?:^| )i (${monthNames.sv.join('|')})(?: ([12]\\d{3}))?$`, 'i'),
};

/** Takes a month off the end of what a user said; without a year, the last one that has begun. */
export function readMonth(text: string, now: Date, language: Language): { span?: Span; rest: string } {
  const found = monthsSaid[language].exec(text);
  if (found === null) return { rest: text };
  const month = monthNames[language].indexOf((found[1] ?? '').toLowerCase());
  const latest = month <= now.getUTCMonth() ? now.getUTCFullYear() : now.getUTCFullYear() - 1;
  const year = found[2] === undefined ? latest : Number(found[2]);
  return { span: monthOf(year, month), rest: text.slice(0, found.index) };
}

/** Takes the period off the end of what a user said. */
export function readPeriod(text: string, language: Language): PeriodAndRest {
  for (const [period, pattern] of Object.entries(said[language]) as [Period, RegExp][]) {
    const found = pattern.exec(text);
    if (found === null || /\S$/.test(text.slice(0, found.index))) continue;
    return { period, rest: text.slice(0, found.index).trim() };
  }
  return { rest: text };
}
