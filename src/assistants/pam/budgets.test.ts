import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Product, startProduct, type TestUser } from '../../../test/harness/product.ts';

let product: Product;

beforeAll(async () => {
  product = await startProduct();
});

afterAll(() => product.stop());

async function startChat(user: TestUser) {
  const session = await product.request(user, 'POST', '/v1/chat/sessions', { assistant: 'pam' });
  const { id } = (await session.json()) as { id: string };
  return async (content: string) => {
    const response = await product.request(user, 'POST', `/v1/chat/sessions/${id}/messages`, { content });
    return ((await response.json()) as { content: string }).content.replaceAll('\u00a0', ' ');
  };
}

test('budgets are told to whom they belong, also where nothing was spent yet', async () => {
  const say = await startChat(await product.createUser());
  await say('budget 300 euro for food');
  await say('budget 3 000 kr för mat');
  expect(await say('what is my budget?')).toBe(
    'What you mean to spend in a month:\n- food: €300.00\n- mat: SEK 3,000.00',
  );
  await say('budget 0 for food');
  expect(await say('vad är min budget?')).toBe('Vad du tänker lägga i månaden:\n- mat: 3 000,00 kr');
  const sayOther = await startChat(await product.createUser());
  expect(await sayOther('what is my budget?')).toBe('You have set no budget.');
});
