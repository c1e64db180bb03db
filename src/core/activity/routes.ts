import { firstIdAt, LAST_ID, timeOf } from '../../base/ids.ts';
import { decodeCursor, encodeCursor, type HttpServer, ListOf, placePart, toPage } from '../../platform/http/index.ts';
import type { Database } from '../../platform/postgres/index.ts';
import { frequentKinds } from './kinds.ts';
import { type ActivityRow, listActivity, listRareActivity } from './queries.ts';
import { Activity, ActivityListQuery } from './schemas.ts';

/** Its time is that of its id, by which entries are found and lie in order: a little before it was written. */
function toActivity(row: ActivityRow): Activity {
  return { ...row, object: 'activity', created_at: timeOf(row.id).toISOString() };
}

/** Registers `GET /v1/activity`. */
export function registerActivityRoutes(server: HttpServer, { database }: { readonly database: Database }): void {
  server.get(
    '/v1/activity',
    {
      config: { access: 'account:read' },
      schema: {
        tags: ['Account'],
        operationId: 'listActivity',
        summary: 'List what was done in your name',
        description: 'Your audit trail, newest first: what, when, by which key, from where.',
        querystring: ActivityListQuery,
        response: { 200: ListOf(Activity) },
      },
    },
    async ({ query, caller, context }) => {
      const { kind, from, to, limit, cursor } = query;
      const scope = ['activity', caller.userId, kind ?? '', from ?? '', to ?? ''].join(' ');
      const endId = to === undefined ? LAST_ID : firstIdAt(new Date(to));
      const [beforeId = endId] = decodeCursor(scope, cursor, [placePart.id]);
      const place = {
        userId: caller.userId,
        fromId: firstIdAt(new Date(from ?? 0)),
        beforeId,
        limit: limit + 1,
      };
      const isRare = kind !== undefined && !frequentKinds.includes(kind);
      const statement = isRare ? listRareActivity({ ...place, kind }) : listActivity({ ...place, kind: kind ?? null });
      const rows = await database.query(statement, context);
      return toPage(rows, limit, { item: toActivity, cursor: (row) => encodeCursor(scope, [row.id]) });
    },
  );
}
