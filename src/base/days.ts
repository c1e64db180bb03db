/** The length of a day. */
export const DAY_MS = 86_400_000;

/** The day of an instant in UTC, as 2026-12-24. */
export const toDay = (instant: Date): string => instant.toISOString().slice(0, 10);

/** The day so many days later. */
export const addDays = (day: string, days: number): string => toDay(new Date(Date.parse(day) + days * DAY_MS));
