/** Fastify and pg, statements one after the other: look up the user by the key, insert the session, record the activity. */
import { createHash } from 'node:crypto';
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
    const secret = request.headers.authorization?.slice('Bearer '.length) ?? '';
    const found = await pool.query({
      name: 'find_user',
      text: `select k.user_id, k.id as key_id from api_keys k join users u on u.user_id = k.user_id
      where k.hash = $1 and k.revoked_at is null and u.disabled_at is null`,
      values: [createHash('sha256').update(secret).digest()],
    });
    const [caller] = found.rows;
    if (caller === undefined) return reply.code(401).send();
    const created = await pool.query({
      name: 'insert_session',
      text: `insert into chat_sessions (user_id, id, title) values ($1, $2, $3) returning ${SESSION_COLUMNS}`,
      values: [caller.user_id, newId(), request.body.title],
    });
    await pool.query({
      name: 'insert_activity',
      text: `insert into activity (user_id, id, kind, key_id, subject_id, ip) values ($1, $2, 'session.created', $3, $4, $5)`,
      values: [caller.user_id, newId(), caller.key_id, created.rows[0].id, request.ip],
    });
    reply.code(201);
    return created.rows[0];
  },
);

await listen(server);
