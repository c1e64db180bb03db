import { type TSchema, Type } from 'typebox';
import type { CallContext } from '../../base/call-context.ts';
import { readPages } from '../../base/read-pages.ts';
import { accountParts, type StoredPart } from '../../core/accounts/index.ts';
import { activityParts } from '../../core/activity/index.ts';
import { chatParts } from '../../core/chat/index.ts';
import { keyParts } from '../../core/keys/index.ts';
import { notificationParts } from '../../core/notifications/index.ts';
import { planParts } from '../../core/plans/index.ts';
import { referralParts } from '../../core/referrals/index.ts';
import { type HttpServer, streamBody } from '../../platform/http/index.ts';
import type { Database } from '../../platform/postgres/index.ts';
import type { BoundAssistants } from '../assistants/bind-assistants.ts';

/** What the export needs. */
export interface ExportRouteOptions {
  readonly database: Database;
  readonly installed: Pick<BoundAssistants, 'exportUser'>;
}

/** Every table of the core from which a user is given something. */
export const storedParts: readonly StoredPart[] = [
  ...accountParts,
  ...keyParts,
  ...activityParts,
  ...planParts,
  ...notificationParts,
  ...referralParts,
  ...chatParts,
];

/** A million messages, read by somebody whose connection is slow. */
const BUDGET_MS = 600_000;

interface ExportReading extends ExportRouteOptions {
  readonly context: CallContext;
}

/** An array of JSON, value by value. */
async function* writeArray(name: string, values: AsyncIterable<unknown>): AsyncGenerator<string> {
  let separator = `,\n${JSON.stringify(name)}:[`;
  let isEmpty = true;
  for await (const value of values) {
    yield `${separator}\n${JSON.stringify(value)}`;
    separator = ',';
    isEmpty = false;
  }
  yield isEmpty ? `${separator}]` : '\n]';
}

/** All that is stored about a user as JSON, in pieces: at no time is more than a page of it in memory. */
async function* writeExport(userId: string, { database, installed, context }: ExportReading): AsyncGenerator<string> {
  yield `{"object":"export","user_id":"${userId}"`;
  for (const part of storedParts) {
    // Where rows may be long, a page ends where its bytes do.
    const rows = readPages((after, limit) => database.query(part.read({ userId, after, limit }), context));
    yield* writeArray(part.table, rows);
  }
  yield* writeArray('assistants', installed.exportUser(userId, context));
  yield '\n}\n';
}

/** The same text; resolves when there is a row of it, so that what fails before is answered as any other request is. */
async function beginExport(pieces: AsyncGenerator<string>): Promise<AsyncGenerator<string>> {
  const head = [await pieces.next(), await pieces.next()];
  return (async function* () {
    for (const { value } of head) yield value;
    yield* pieces;
  })();
}

const Rows = Type.Array(Type.Unsafe<object>({ type: 'object', additionalProperties: true }));

const Export = Type.Object(
  {
    object: Type.Literal('export'),
    user_id: Type.String({ format: 'uuid' }),
    ...Object.fromEntries(storedParts.map(({ table }): [string, TSchema] => [table, Rows])),
    assistants: Type.Array(Type.Object({ assistant: Type.String(), entry: Type.Unknown() })),
  },
  { title: 'AccountExport' },
);

/** Registers `GET /v1/me/export`. */
export function registerExportRoute(server: HttpServer, options: ExportRouteOptions): void {
  server.get(
    '/v1/me/export',
    {
      config: { access: 'account:read', alsoTakes: ['chat:read', 'keys:read'], budgetMs: BUDGET_MS },
      schema: {
        tags: ['Account'],
        operationId: 'exportAccount',
        summary: 'All that is stored about you',
        description:
          'One JSON document, sent while it is read: table by table, each in the order of its key. An export that could not ' +
          'be finished ends in mid document. It takes `chat:read` and `keys:read` too, for it holds what they guard.',
        response: { 200: Export },
      },
    },
    async (request, reply) => {
      const { caller, context } = request;
      const pieces = await beginExport(writeExport(caller.userId, { ...options, context }));
      reply.header('content-type', 'application/json; charset=utf-8');
      reply.header('content-disposition', 'attachment; filename="evenkeel-export.json"');
      // The schema describes what the pieces come to.
      return reply.send(streamBody(request, pieces) as never);
    },
  );
}
