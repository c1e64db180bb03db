import { addDays } from '../../../base/days.ts';
import { Type } from '../../../kit/index.ts';
import { type Period, type Span, spanOf } from '../days.ts';
import { Day, PeriodName } from '../schemas.ts';

/** How a tool is told which days are meant: by a period, by how many, or by a first day, a last day or both. */
export const span = {
  period: Type.Optional(PeriodName),
  last_days: Type.Optional(
    Type.Integer({ minimum: 1, maximum: 999, description: 'So many days up to today, where the user lives: 7.' }),
  ),
  from: Type.Optional(Day),
  to: Type.Optional({ ...Day, description: 'The last day, included.' }),
};

/** How a tool was told. */
interface Said {
  readonly period?: Period;
  readonly last_days?: number;
  readonly from?: string;
  readonly to?: string;
}

/** The days that are meant, seen from today. What is not said is open; when nothing is said, it is this month. */
export function readSpan({ period, last_days: lastDays, from, to }: Said, today: string): Span {
  if (from !== undefined || to !== undefined) return { from: from ?? '0001-01-01', to: to ?? '9999-12-31' };
  if (lastDays !== undefined) return { from: addDays(today, 1 - lastDays), to: today };
  return spanOf(period ?? 'this_month', today);
}
