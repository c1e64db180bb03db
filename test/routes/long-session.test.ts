import type { Client } from 'pg';
import { beforeAll, expect, test } from 'vitest';
import { useProduct } from '../harness/product.ts';
import { until } from '../harness/until.ts';

// Whoever deletes waits for the holder as long as a busy machine takes.
const product = useProduct({ DATABASE_STATEMENT_BUDGET_MS: '20000' });
let admin: Client;
/** Keeps a message from being deleted. */
let holder: Client;

beforeAll(async () => {
  [admin, holder] = await Promise.all([product.connect(), product.connect()]);
});

const MESSAGES = 1_000;

async function fill(userId: string, sessionId: string): Promise<void> {
  await admin.query(
    `insert into chat_turns (user_id, id, session_id, owner, status, model, ended_at)
    select $1, gen_random_uuid(), $2, gen_random_uuid(), 'completed', 'offline', now() from generate_series(1, $3)`,
    [userId, sessionId, MESSAGES / 2],
  );
  await admin.query(
    `insert into chat_messages (user_id, session_id, seq, id, role, content, created_at)
    select $1, $2, seq, gen_random_uuid(), 'user', 'Hello', now() from generate_series(1, $3) seq`,
    [userId, sessionId, MESSAGES],
  );
  await admin.query('update chat_sessions set message_count = $2 where id = $1', [sessionId, MESSAGES]);
}

async function countRows(sessionId: string): Promise<number> {
  const { rows } = await admin.query(
    `select (select count(*) from chat_sessions where id = $1) + (select count(*) from chat_turns where session_id = $1)
      + (select count(*) from chat_messages where session_id = $1) as count`,
    [sessionId],
  );
  return Number(rows[0].count);
}

test('a long session that is being deleted holds up nobody, and is gone with all that it had', async () => {
  const user = await product.createUser();
  const id = await product.createSession(user);
  await fill(user.userId, id);
  await holder.query('begin');
  await holder.query('select from chat_messages where session_id = $1 and seq = 1 for update', [id]);

  const deleted = product.request(user, 'DELETE', `/v1/chat/sessions/${id}`);
  await until(async () => {
    const { rows } = await admin.query(
      `select from pg_stat_activity where wait_event_type = 'Lock' and query like '%chat.delete_%'
        and datname = current_database()`,
    );
    return rows.length > 0;
  });
  expect((await product.request(user, 'PATCH', `/v1/chat/sessions/${id}`, { title: 'Old' })).status).toBe(200);
  await holder.query('commit');

  expect((await deleted).status).toBe(200);
  expect(await countRows(id)).toBe(0);
  expect((await product.request(user, 'DELETE', `/v1/chat/sessions/${id}`)).status).toBe(404);
});
