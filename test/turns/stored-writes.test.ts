import type { Client } from 'pg';
import { beforeAll, beforeEach, expect, test } from 'vitest';
import type { Assistant, Tool } from '../../src/core/chat/index.ts';
import { countLocked } from '../harness/count-locked.ts';
import { type TestUser, useProductWithModel } from '../harness/product.ts';

let user: TestUser;
/** What befalls the turn, and what looks at it. */
let admin: Client;
let writes: number;
/** What the tools do. */
let prepare: () => Promise<unknown>;
let write: () => Promise<unknown>;

function tool(name: string, isWrite: boolean, run: () => Promise<unknown>): Tool {
  return { name: `safe_${name}`, description: `Does ${name}.`, parameters: { type: 'object' }, writes: isWrite, run };
}

const assistant: Assistant = {
  name: 'safe',
  description: 'Keeps things.',
  instructions: 'You keep things.',
  tools: [
    tool('prepare', false, async () => await prepare()),
    tool('write', true, async () => {
      writes++;
      return await write();
    }),
  ],
};

const { product, provider } = useProductWithModel({}, {}, { assistants: [assistant] });

beforeAll(async () => {
  user = await product.createUser();
  admin = await product.connect();
});

beforeEach(() => {
  writes = 0;
  prepare = async () => null;
  write = async () => 'written';
});

/** Has the model call these tools, those of a list in one step, and answers with what came of it. */
async function ask(steps: readonly (string | readonly string[])[], onAnswered: () => unknown = () => undefined) {
  let step = 0;
  const script = () => {
    const names = steps[step++];
    if (names === undefined) onAnswered();
    const toCall = (name: string, at: number) => ({ name: `safe_${name}`, arguments: `{"call":${at}}` });
    return names === undefined ? { text: 'Done.' } : { text: '', calls: [names].flat().map(toCall) };
  };
  provider.setMode('ok', { script });
  const id = await product.createSession(user, { assistant: 'safe' });
  const response = await product.request(user, 'POST', `/v1/chat/sessions/${id}/messages`, { content: 'Please' });
  return { status: response.status, body: await response.json() };
}

test('a write is stored, as one that may have been made, before it is made', async () => {
  write = async () => {
    const { rows } = await admin.query(`select tool_calls from chat_turns where status = 'running'`);
    return rows;
  };
  const { body } = await ask(['write']);
  expect(body).toMatchObject({
    tool_calls: [{ result: [{ tool_calls: [{ name: 'safe_write', arguments: {}, step: 1, at: 0 }] }] }],
  });
  expect(
    (body as { tool_calls: { result: { tool_calls: object[] }[] }[] }).tool_calls[0]?.result[0]?.tool_calls[0],
  ).not.toHaveProperty('is_error');
});

test('a server whose turn was taken for dead makes no more writes in it', async () => {
  prepare = () =>
    admin.query(`update chat_turns set status = 'interrupted', ended_at = now() where status = 'running'`);
  expect(await ask(['prepare', 'write'])).toMatchObject({ status: 500, body: { error: { code: 'chat.turn_lost' } } });
  expect(writes).toBe(0);
});

test('a server whose turn was taken over while it was frozen in a step makes no further write of that step', async () => {
  write = async () => {
    await admin.query(`update chat_turns set status = 'interrupted', ended_at = now() where status = 'running'`);
    // Frozen, for longer than a turn may be silent before it is asked for again.
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5_100);
  };
  expect(await ask([['write', 'write']])).toMatchObject({ status: 500, body: { error: { code: 'chat.turn_lost' } } });
  expect(writes).toBe(1);
});

test('a write that waits to be stored when its turn is stopped is said to be never done', async () => {
  prepare = async () => {
    await admin.query('begin');
    await admin.query(`select from chat_turns where status = 'running' for update`);
  };
  const asked = ask(['prepare', 'write']);
  await expect.poll(() => countLocked(admin)).toBe(1);
  const { rows } = await admin.query(`select session_id, id from chat_turns where status = 'running'`);
  const stopped = product.request(user, 'POST', `/v1/chat/sessions/${rows[0].session_id}/turns/${rows[0].id}/stop`);
  // The end of the turn.
  await expect.poll(() => countLocked(admin)).toBe(2);
  await admin.query('rollback');
  await stopped;
  const result = { error: 'The turn ended before this was done.' };
  expect((await asked).body).toMatchObject({ status: 'incomplete', tool_calls: [{}, { result, is_error: true }] });
  expect(writes).toBe(0);
});

test('a write that cannot be stored is not made, and the model is told so', async () => {
  prepare = async () => {
    await admin.query('begin');
    await admin.query(`select from chat_turns where status = 'running' for update`);
  };
  const { body } = await ask(['prepare', 'write'], () => admin.query('rollback'));
  expect(body).toMatchObject({
    content: 'Done.',
    tool_calls: [{}, { result: { error: expect.stringMatching(/database/) }, is_error: true }],
  });
  expect(JSON.stringify(body)).not.toContain('may have had an effect');
  expect(writes).toBe(0);
});
