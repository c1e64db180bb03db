import { expect, onTestFinished, test } from 'vitest';
import { newId } from '../../src/base/ids.ts';
import { type ChatClient, connectChat, type OutFrame } from '../harness/chat-client.ts';
import { useProductWithModel } from '../harness/product.ts';

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
