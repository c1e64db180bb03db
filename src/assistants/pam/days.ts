import { addDays, toDay } from '../../base/days.ts';

/** The periods that can be named, each relative to today; weeks begin on Monday. */
export const periods = [
  'today',
  'yesterday',
  'this_week',
  'last_week',
  'this_month',
  'last_month',
  'this_year',
  'last_year',
] as const;
export type Period = (typeof periods)[number];

/** The days of the week, in the order that `Date` counts them in. */
export const weekdays = ['sunday', 'monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday'] as const;
export type Weekday = (typeof weekdays)[number];

/** From one day to another, both of them included, as 2026-12-24. */
export interface Span {
  readonly from: string;
  readonly to: string;
}

/** How far ahead of UTC a day begins first, in milliseconds: somewhere it may be that day already. */
export const EARLIEST_MS = 14 * 3_600_000;

/** Which day it is in a time zone, as 2026-12-24. */
export function todayIn(timeZone: string, now: Date): string {
  const parts = new Intl.DateTimeFormat('en', { timeZone, year: 'numeric', month: '2-digit', day: '2-digit' });
  const found = Object.fromEntries(parts.formatToParts(now).map(({ type, value }) => [type, value]));
  return `${found.year}-${found.month}-${found.day}`;
}

/** The last day of that name up to a day, which may be that day itself. */
export function lastOf(weekday: Weekday, day: string): string {
  return addDays(day, -((new Date(day).getUTCDay() - weekdays.indexOf(weekday) + 7) % 7));
}

/** From the first day of a month to its last; months are counted from 0 and may be beyond the year. */
function months(year: number, first: number, count: number): Span {
  return { from: toDay(new Date(Date.UTC(year, first, 1))), to: toDay(new Date(Date.UTC(year, first + count, 0))) };
}

/** The days of a month, which is counted from 0. */
export const monthOf = (year: number, month: number): Span => months(year, month, 1);

/** Whether days of which some are in a month, such as 2026-11, are all of it; of the month of today, all so far. */
export function coversMonth({ from, to }: Span, month: string, today: string): boolean {
  const isInMonth = (day: string): boolean => day.startsWith(month);
  return !isInMonth(addDays(from, -1)) && (!isInMonth(addDays(to, 1)) || (isInMonth(today) && to >= today));
}

/** The days of a period, seen from today. */
export function spanOf(period: Period, today: string): Span {
  const date = new Date(today);
  const [year, month] = [date.getUTCFullYear(), date.getUTCMonth()];
  const monday = addDays(today, -((date.getUTCDay() + 6) % 7));
  const yesterday = addDays(today, -1);
  const spans: Record<Period, () => Span> = {
    today: () => ({ from: today, to: today }),
    yesterday: () => ({ from: yesterday, to: yesterday }),
    this_week: () => ({ from: monday, to: addDays(monday, 6) }),
    last_week: () => ({ from: addDays(monday, -7), to: addDays(monday, -1) }),
    this_month: () => months(year, month, 1),
    last_month: () => months(year, month - 1, 1),
    this_year: () => months(year, 0, 12),
    last_year: () => months(year - 1, 0, 12),
  };
  return spans[period]();
}
