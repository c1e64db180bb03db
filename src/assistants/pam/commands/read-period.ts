import type { Period } from '../days.ts';

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

/** Takes the period off the end of what a user said. */
export function readPeriod(text: string, language: Language): PeriodAndRest {
  for (const [period, pattern] of Object.entries(said[language]) as [Period, RegExp][]) {
    const found = pattern.exec(text);
    if (found === null || /\S$/.test(text.slice(0, found.index))) continue;
    return { period, rest: text.slice(0, found.index).trim() };
  }
  return { rest: text };
}
