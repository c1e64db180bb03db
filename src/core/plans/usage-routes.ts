import { Type } from 'typebox';
import { DAY_MS, toDay } from '../../base/days.ts';
import type { Clock } from '../../base/time.ts';
import type { HttpServer } from '../../platform/http/index.ts';
import type { Database } from '../../platform/postgres/index.ts';
import { usageErrors } from './errors.ts';
import { listUsage } from './queries.ts';

/** What the routes of usage need. */
export interface UsageRouteOptions {
  readonly database: Database;
  readonly clock: Clock;
}

/** Days before it can be written in neither RFC 3339 nor Postgres. */
const FIRST_DAY_MS = Date.parse('0001-01-01');
/** What is shown without `from`: the month that ends with `to`. */
const SHOWN_DAYS = 30;
/** So that an answer stays readable; a longer time is asked for in parts. */
const MAX_DAYS = 366;

const counts = { requests: Type.Integer(), prompt_tokens: Type.Integer(), completion_tokens: Type.Integer() };

const Usage = Type.Object(
  {
    object: Type.Literal('usage'),
    from: Type.String({ format: 'date' }),
    to: Type.String({ format: 'date' }),
    data: Type.Array(Type.Object({ day: Type.String({ format: 'date' }), model: Type.String(), ...counts })),
    has_more: Type.Boolean({ description: 'Whether `data` ends before `to`: ask for a shorter time.' }),
    totals: Type.Object({ ...counts, total_tokens: Type.Integer() }),
  },
  { title: 'Usage' },
);

const Day = (description: string) => Type.Optional(Type.String({ format: 'date', description }));

/** @throws AppError 400 `usage.invalid_range`. */
function readRange(query: { from?: string; to?: string }, nowMs: number): { from: string; to: string } {
  const to = query.to ?? toDay(new Date(nowMs));
  const from = query.from ?? toDay(new Date(Math.max(Date.parse(to) - (SHOWN_DAYS - 1) * DAY_MS, FIRST_DAY_MS)));
  const days = (Date.parse(to) - Date.parse(from)) / DAY_MS + 1;
  if (days < 1 || days > MAX_DAYS) throw usageErrors.raise.invalid_range({ days: MAX_DAYS }, { param: 'from' });
  return { from, to };
}

/** Registers `GET /v1/me/usage`. */
export function registerUsageRoutes(server: HttpServer, { database, clock }: UsageRouteOptions): void {
  server.get(
    '/v1/me/usage',
    {
      config: { access: 'account:read' },
      schema: {
        tags: ['Plans'],
        operationId: 'readUsage',
        summary: 'Read what you asked of models, by day and model',
        description:
          'Days are those of UTC. An answer shows up here within about a second. The totals are of all days asked for.',
        querystring: Type.Object(
          {
            from: Day('The first day; 29 days before `to` if not given.'),
            to: Day('The last day; today if not given.'),
          },
          { additionalProperties: false },
        ),
        response: { 200: Usage },
      },
    },
    async ({ caller, query, context }) => {
      const range = readRange(query, clock.now().getTime());
      const rows = await database.query(listUsage({ userId: caller.userId, ...range }), context);
      const [first] = rows;
      const promptTokens = first?.all_prompt_tokens ?? 0;
      const completionTokens = first?.all_completion_tokens ?? 0;
      return {
        object: 'usage' as const,
        ...range,
        data: rows.map(({ day, ...row }) => ({ ...row, day: day ?? '' })),
        has_more: rows.length < (first?.all_rows ?? 0),
        totals: {
          requests: first?.all_requests ?? 0,
          prompt_tokens: promptTokens,
          completion_tokens: completionTokens,
          total_tokens: promptTokens + completionTokens,
        },
      };
    },
  );
}
