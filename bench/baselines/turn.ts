/** Fastify, pg and undici: INSERT, call of the model, INSERT, with nothing else. Takes `--provider-url http://…/v1` too. */
import { parseArgs } from 'node:util';
import fastify from 'fastify';
import { Pool as ProviderPool } from 'undici';
import { newId } from '../../src/base/ids.ts';
import { listen } from './listen.ts';
import { openPool } from './session-store.ts';

const { values } = parseArgs({ strict: false, options: { 'provider-url': { type: 'string' } } });
const { origin, pathname } = new URL(String(values['provider-url']));
const provider = new ProviderPool(origin, { connections: 256 });
const pool = openPool();
await pool.query(
  'create table if not exists baseline_messages (id uuid primary key, session_id uuid, role text, content text)',
);
const server = fastify();

async function insert(sessionId: string, role: string, content: string): Promise<string> {
  const id = newId();
  const text = 'insert into baseline_messages (id, session_id, role, content) values ($1, $2, $3, $4)';
  await pool.query({ name: 'insert_message', text, values: [id, sessionId, role, content] });
  return id;
}

server.post<{ Params: { id: string }; Body: { content: string } }>(
  '/v1/chat/sessions/:id/messages',
  async ({ params, body: { content } }) => {
    await insert(params.id, 'user', content);
    const { body } = await provider.request({
      method: 'POST',
      path: `${pathname}/chat/completions`,
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ model: 'stub', messages: [{ role: 'user', content }] }),
    });
    const completion = (await body.json()) as { choices: { message: { content: string } }[] };
    const answer = completion.choices[0]?.message.content ?? '';
    return { id: await insert(params.id, 'assistant', answer), content: answer };
  },
);

await listen(server);
