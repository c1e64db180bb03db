import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Product, startProduct } from '../../../test/harness/product.ts';

let product: Product;

beforeAll(async () => {
  product = await startProduct();
});

afterAll(() => product.stop());

async function startChat() {
  const user = await product.createUser();
  const session = await product.request(user, 'POST', '/v1/chat/sessions', { assistant: 'mood' });
  const { id } = (await session.json()) as { id: string };
  return async (content: string) => {
    const response = await product.request(user, 'POST', `/v1/chat/sessions/${id}/messages`, { content });
    return ((await response.json()) as { content: string }).content;
  };
}

test('an entry whose words tell of no mood makes the mood neither better nor worse', async () => {
  const say = await startChat();
  await say('I feel purple');
  expect(await say('my mood')).toMatch(/^What was logged from .* does not tell me how good or bad it was\.$/);
  await say('I feel great');
  await say('I feel green');
  expect(await say('my mood')).toMatch(/ your mood was very good \(3 entries\):\n- \S+: very good$/);
});
