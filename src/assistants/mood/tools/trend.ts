import { addDays, DAY_MS, toDay } from '../../../base/days.ts';
import { defineTool, Type } from '../../../kit/index.ts';
import { moodErrors } from '../errors.ts';
import { readTrend } from '../queries.ts';

const Day = Type.String({ format: 'date', description: 'A day, such as 2026-12-24.' });
const USUAL_DAYS = 7;
/** As many as the statement answers. */
const MAX_DAYS = 366;

/** How the user felt in some days. */
export interface Trend {
  readonly from: string;
  readonly to: string;
  readonly entries: number;
  /** The mean of the entries whose words told of a mood; null when there is none. */
  readonly score: number | null;
  readonly days: readonly { readonly day: string | null; readonly entries: number; readonly score: number | null }[];
}

const round = (score: number): number => Math.round(score * 1000) / 1000;

export const trend = defineTool({
  name: 'trend',
  description:
    'Reads how the mood of the user went: the mean score of each day that has entries, and of all; null where the words ' +
    'told of no mood. Without days, the last seven; at most a year.',
  input: Type.Object(
    {
      from: Type.Optional({ ...Day, description: 'The first day, such as 2026-12-18.' }),
      to: Type.Optional({ ...Day, description: 'The last day, such as 2026-12-24; today when left out.' }),
    },
    { additionalProperties: false },
  ),
  writes: false,
  async run(period, context): Promise<Trend> {
    const to = period.to ?? toDay(context.clock.now());
    const from = period.from ?? addDays(to, 1 - USUAL_DAYS);
    if (Date.parse(to) - Date.parse(from) >= MAX_DAYS * DAY_MS)
      throw moodErrors.raise.trend_too_long({ param: 'from' });
    const rows = await context.query(readTrend, { from: new Date(from), to: new Date(addDays(to, 1)) });
    const entries = rows.reduce((count, row) => count + row.entries, 0);
    const read = rows.reduce((count, row) => count + row.read, 0);
    const total = rows.reduce((sum, row) => sum + (row.score ?? 0) * row.read, 0);
    const days = rows.map(({ score, read: _, ...row }) => ({ ...row, score: score === null ? null : round(score) }));
    return { from, to, entries, score: read === 0 ? null : round(total / read), days };
  },
});
