import { beforeEach, expect, test } from 'vitest';
import { useProductWithModel, useUser } from '../harness/product.ts';
import { followEvents } from '../harness/turn-events.ts';

const { product, provider } = useProductWithModel();
const user = useUser(product);
let path: string;

beforeEach(async () => {
  path = `/v1/chat/sessions/${await product.createSession(user)}`;
});

/** Sends a message whose answer stalls after some words; resolves once they have come, with the path of the turn. */
async function beginStalling(content: string, text: string): Promise<string> {
  provider.setMode('stall-mid-stream', { text });
  const response = await product.request(user, 'POST', `${path}/messages`, { content, stream: true });
  for await (const { event, data } of followEvents(response)) {
    if (event === 'message.delta') return `${path}/turns/${data.turn_id}`;
  }
  throw new Error('It did not stall.');
}

async function ask(where: string, body: object, text: string): Promise<void> {
  provider.setMode('ok', { text });
  expect((await product.request(user, 'POST', where, body)).status).toBe(200);
}

const stop = async (turn: string) => expect((await product.request(user, 'POST', `${turn}/stop`)).status).toBe(200);

/** What the model was told last. */
const told = () => provider.requests.at(-1)?.body.messages?.map(({ content }) => content);
/** Between two messages of the user: some providers refuse them in a row. */
const BETWEEN = '(no answer yet)';

test('the model is told of an answer that was stopped before another question was answered', async () => {
  const first = await beginStalling('q1', 'a1 and so on and on');
  const second = await beginStalling('q2', 'a2 and so on and on');
  await stop(first);
  await stop(second);
  await ask(`${path}/messages`, { content: 'q3' }, 'a3');
  expect(told()).toEqual(['q1', BETWEEN, 'q2', expect.stringMatching(/^a1/), expect.stringMatching(/^a2/), 'q3']);
});

test('the model is told of an answer that was given again only the last, whatever was answered in between', async () => {
  const first = await beginStalling('q1', 'a1 and so on and on');
  const second = await beginStalling('q2', 'a2 and so on and on');
  await stop(second);
  await stop(first);
  await ask(`${second}/retry`, {}, 'a2');
  await ask(`${path}/messages`, { content: 'q3' }, 'a3');
  expect(told()).toEqual(['q1', BETWEEN, 'q2', expect.stringMatching(/^a1 /), 'a2', 'q3']);
});
