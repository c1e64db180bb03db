import { expect, test } from 'vitest';
import { type TestUser, useProduct } from '../../../test/harness/product.ts';

const product = useProduct();

async function startChat(user: TestUser) {
  const say = await product.startChat(user, 'pam');
  return async (content: string) => (await say(content)).replaceAll('\u00a0', ' ');
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

test('"kr" and "$" are of the currency that the user counts in, where it has that sign', async () => {
  const user = await product.createUser();
  const say = await startChat(user);
  const settings = { currency: 'NOK', time_zone: 'Europe/Oslo', language: null };
  expect((await product.request(user, 'PUT', '/api/pam/settings', settings)).status).toBe(200);
  expect(await say('spent 50 kr on food')).toMatch(/^Recorded: NOK 50\.00 on food/);
  expect(await say('spent 50 SEK on food')).toMatch(/^Recorded: SEK 50\.00 on food/);
  expect(await say('budget 500 kr for food')).toBe('The budget for food is NOK 500.00 a month.');
  expect(await say('spent $5 on food')).toMatch(/^Recorded: \$5\.00 on food/);
});

test('a setting of the wrong form is refused with what its form is', async () => {
  const user = await product.createUser();
  const settings = { currency: 'EUR', time_zone: 'UTC', language: null };
  for (const [field, value, form] of [
    ['currency', 'eur', 'ISO 4217'],
    ['language', 'SV', 'ISO 639'],
  ] as const) {
    const answer = await product.request(user, 'PUT', '/api/pam/settings', { ...settings, [field]: value });
    expect(answer.status).toBe(400);
    expect(await answer.json()).toMatchObject({ error: { param: field, message: expect.stringContaining(form) } });
  }
});
