/** Fastify and pg: one bare INSERT per request. No auth, no limits, no activity: the user is whom the caller says. */
import fastify from 'fastify';
import { newId } from '../../src/base/ids.ts';
import { listen } from './listen.ts';
import { createSessionSchema, openPool, SESSION_COLUMNS } from './session-store.ts';

const pool = openPool();
const server = fastify();

server.post<{ Body: { title?: string } }>(
  '/v1/chat/sessions',
  { schema: createSessionSchema },
  async (request, reply) => {
    const { rows } = await pool.query({
      name: 'insert_session',
      text: `insert into chat_sessions (user_id, id, title) values ($1, $2, $3) returning ${SESSION_COLUMNS}`,
      values: [request.headers['x-user-id'], newId(), request.body.title],
    });
    reply.code(201);
    return rows[0];
  },
);

await listen(server);
