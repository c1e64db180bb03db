import { Type } from '../../../kit/index.ts';
import { type Period, type Span, spanOf, todayIn } from '../days.ts';
import { Day, PeriodName } from '../schemas.ts';

/** How a tool is told which days are meant: by a period, or by a first day, a last day or both. */
export const span = {
  period: Type.Optional(PeriodName),
  from: Type.Optional(Day),
  to: Type.Optional({ ...Day, description: 'The last day, included.' }),
};

/** The days that are meant. What is not said is open; when nothing is said, it is this month. */
export function readSpan(
  { period, from, to }: { period?: Period; from?: string; to?: string },
  timeZone: string,
  now: Date,
): Span {
  if (from !== undefined || to !== undefined) return { from: from ?? '0001-01-01', to: to ?? '9999-12-31' };
  return spanOf(period ?? 'this_month', todayIn(timeZone, now));
}
