import { Type } from 'typebox';
import { afterAll } from 'vitest';
import { isId, newId } from '../../src/base/ids.ts';
import {
  Cursor,
  decodeCursor,
  encodeCursor,
  type HttpServer,
  httpErrors,
  Nullable,
  PageLimit,
  placePart,
} from '../../src/platform/http/index.ts';
import { createTestServer, signedIn } from '../harness/http-server.ts';
import { describeBadInput } from './bad-input.ts';

const closed = { additionalProperties: false };
const Id = Type.String({ format: 'uuid' });
const Item = Type.Object(
  { name: Type.String({ minLength: 1, maxLength: 20 }), amount: Type.Integer({ minimum: 0 }) },
  closed,
);
const CreateThing = Type.Object(
  {
    title: Type.String({ minLength: 1, maxLength: 100 }),
    priority: Type.Optional(Type.String({ enum: ['low', 'high'] })),
    due_at: Type.Optional(Nullable(Type.String({ format: 'date-time' }))),
    share: Type.Optional(Type.Number({ minimum: 0, maximum: 1 })),
    is_open: Type.Optional(Type.Boolean()),
    items: Type.Optional(Type.Array(Item, { maxItems: 3 })),
  },
  closed,
);
const ListQuery = Type.Object(
  {
    limit: PageLimit({ default: 50, maximum: 1000 }),
    offset: Type.Integer({ minimum: 0, default: 0 }),
    cursor: Type.Optional(Cursor),
    after: Type.Optional(Type.String({ format: 'date-time' })),
    order: Type.String({ enum: ['asc', 'desc'], default: 'asc' }),
    unread: Type.Optional(Type.Boolean()),
    q: Type.Optional(Type.String({ maxLength: 200 })),
  },
  closed,
);

/** What the sample server stores, in place of tables. */
const rows: unknown[] = [];

const BODY_LIMIT_BYTES = 1_048_576;

function addRoutes(server: HttpServer): void {
  const config = { access: 'things:write' };
  const params = Type.Object({ thing_id: Id }, closed);
  server.post('/v1/things', { config, schema: { body: CreateThing } }, async (request) => {
    if (request.body.title === 'forbidden') {
      throw httpErrors.raise.invalid_request({ problem: 'This title is taken.' }, { param: 'title' });
    }
    return rows.push(request.body);
  });
  server.get('/v1/things', { config, schema: { querystring: ListQuery } }, async (request) => {
    decodeCursor('things', request.query.cursor, [placePart.id]);
    return { next_cursor: encodeCursor('things', [newId()]) };
  });
  server.patch(
    '/v1/things/:thing_id',
    { config, schema: { params, body: Type.Partial(CreateThing, closed) } },
    async (request) => rows.push(isId(request.params.thing_id)),
  );
  server.delete('/v1/things/:thing_id', { config, schema: { params } }, async () => rows.push('deleted'));
}

const made = createTestServer(addRoutes, { bodyLimitBytes: BODY_LIMIT_BYTES });
afterAll(() => made.server.close());

describeBadInput(
  () => ({
    server: made.server,
    countRows: async () => rows.length,
    headers: signedIn,
    bodyLimitBytes: BODY_LIMIT_BYTES,
  }),
  [
    {
      method: 'POST',
      url: '/v1/things',
      validBody: { title: 'A thing' },
      badBodies: [{ name: 'a taken title', body: { title: 'forbidden' }, param: 'title' }],
    },
    { method: 'GET', url: '/v1/things', validQuery: { limit: '5' } },
    { method: 'PATCH', url: '/v1/things/:thing_id', validBody: { title: 'A thing' } },
    { method: 'DELETE', url: '/v1/things/:thing_id' },
  ],
);
