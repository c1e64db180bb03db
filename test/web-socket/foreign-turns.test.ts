import { expect, onTestFinished, test } from 'vitest';
import { newId } from '../../src/base/ids.ts';
import { type ChatClient, connectChat, type OutFrame } from '../harness/chat-client.ts';
import { permissionsWithout, useProductWithModel } from '../harness/product.ts';

const { product, provider } = useProductWithModel({ text: 'one two three' });

async function signedIn(key: string): Promise<ChatClient> {
  const client = await connectChat(product.url, { headers: { authorization: `Bearer ${key}` } });
  onTestFinished(() => client.socket.terminate());
  return client;
}

const hasBegun = ({ type }: OutFrame) => type === 'message.delta';
const hasEnded = ({ type }: OutFrame) => type === 'turn.completed' || type === 'error';

test.each([
  ['that runs', { delayMs: 300, isThere: hasBegun }],
  ['that has ended', { delayMs: 0, isThere: hasEnded }],
])(
  'a turn %s is as if it did not exist for another user, and in another session',
  async (_when, { delayMs, isThere }) => {
    provider.setMode('ok', { delayMs });
    const own = await signedIn((await product.createUser()).key);
    own.send({ type: 'message', client_id: newId(), content: 'Hello' });
    const { turn_id } = await own.until(isThere);
    const other = await signedIn((await product.createUser()).key);
    const asked: [ChatClient, object][] = [
      [other, { turn_id }],
      [other, { turn_id: newId() }],
      [own, { turn_id, session_id: newId() }],
    ];
    // A turn that was stopped would be found in the database alone.
    for (const type of ['resume', 'stop']) {
      for (const [client, turn] of asked) {
        const client_id = newId();
        client.send({ type, ...turn, client_id });
        const answer = await client.until((frame) => frame.client_id === client_id);
        expect(answer.error?.code).toBe('chat.turn_not_found');
      }
    }
    expect(await own.until(({ type }) => type === 'turn.completed')).toMatchObject({ status: 'completed' });
  },
);

test('of a turn that was asked for again, a client is sent no more when its key is to read no chats any more', async () => {
  provider.setMode('ok', { delayMs: 100, text: 'word '.repeat(1_000) });
  const user = await product.createUser();
  const { data } = (await (await product.request(user, 'GET', '/v1/keys')).json()) as { data: { id: string }[] };
  const client = await signedIn(user.key);
  client.send({ type: 'message', client_id: 'own', content: 'Hello' });
  const { turn_id } = await client.until(hasBegun);
  const again = await signedIn(user.key);
  again.send({ type: 'resume', client_id: 'again', turn_id });
  await again.until(hasBegun);
  const permissions = permissionsWithout('chat:read');
  expect((await product.request(user, 'PATCH', `/v1/keys/${data[0]?.id}`, { permissions })).status).toBe(200);
  expect((await again.until(hasEnded)).error).toMatchObject({ code: 'keys.permission_missing' });
  // What it asked for with what it still may goes on.
  client.send({ type: 'stop', turn_id });
  expect(await client.until(hasEnded)).toMatchObject({ status: 'stopped' });
});
