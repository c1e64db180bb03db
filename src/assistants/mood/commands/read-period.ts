import { DAY_MS, toDay } from '../../../base/days.ts';

/** Days, first and last, as 2026-12-24. */
export interface Period {
  readonly from: string;
  readonly to: string;
}

/** The days from `first` to `last`, each counted from today. */
const days = (now: Date, first: number, last: number): Period => ({ from: dayAt(now, first), to: dayAt(now, last) });

function dayAt(now: Date, offsetDays: number): string {
  return toDay(new Date(now.getTime() + offsetDays * DAY_MS));
}

/** The month before. */
function lastMonth(now: Date): Period {
  const [year, month] = [now.getUTCFullYear(), now.getUTCMonth()];
  return { from: toDay(new Date(Date.UTC(year, month - 1, 1))), to: toDay(new Date(Date.UTC(year, month, 0))) };
}

/** How many days ago it was Monday. */
const sinceMonday = (now: Date): number => (now.getUTCDay() + 6) % 7;

/** The day of the month, from 1. */
const monthDay = (now: Date): number => now.getUTCDate();

const periods: readonly (readonly [RegExp, (now: Date) => Period])[] = [
  [/^(?:today|idag|i dag)$/, (now) => days(now, 0, 0)],
  [/^(?:yesterday|igår|i går)$/, (now) => days(now, -1, -1)],
  [/^(?:this week|den här veckan|i veckan|denna vecka)$/, (now) => days(now, -sinceMonday(now), 0)],
  [/^(?:last week|förra veckan)$/, (now) => days(now, -sinceMonday(now) - 7, -sinceMonday(now) - 1)],
  [/^(?:this month|den här månaden|denna månad)$/, (now) => days(now, 1 - monthDay(now), 0)],
  [/^(?:last month|förra månaden)$/, lastMonth],
  [
    /^(?:lately|recently|the last (?:week|7 days)|på sistone|senaste tiden|(?:den )?senaste veckan)?$/,
    (now) => days(now, -6, 0),
  ],
];

/** The days that words such as "last week" name, in UTC; the last seven for none; undefined for others. */
export function readPeriod(words: string, now: Date): Period | undefined {
  return periods.find(([pattern]) => pattern.test(words))?.[1](now);
}
