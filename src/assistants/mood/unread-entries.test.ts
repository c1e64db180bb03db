import { expect, test } from 'vitest';
import { useProduct } from '../../../test/harness/product.ts';

const product = useProduct();

test('an entry whose words tell of no mood makes the mood neither better nor worse', async () => {
  const say = await product.startChat(await product.createUser(), 'mood');
  await say('I feel purple');
  expect(await say('my mood')).toMatch(/^What was logged from .* does not tell me how good or bad it was\.$/);
  await say('I feel great');
  await say('I feel green');
  expect(await say('my mood')).toMatch(/ your mood was very good \(3 entries\):\n- \S+: very good$/);
});
