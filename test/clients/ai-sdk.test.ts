import { createOpenAICompatible } from '@ai-sdk/openai-compatible';
import { generateText, streamText } from 'ai';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Product, startProduct, type TestUser } from '../harness/product.ts';
import { type StubProvider, startStubProvider } from '../stubs/provider.ts';

const text = 'One two three, 四.';

let provider: StubProvider;
let product: Product;
let user: TestUser;

beforeAll(async () => {
  provider = await startStubProvider({ text });
  product = await startProduct({ MODEL_BASE_URL: provider.url, MODEL_NAME: 'stub-model' });
  user = await product.createUser();
});

afterAll(async () => {
  await product.stop();
  await provider.close();
});

function model() {
  const evenkeel = createOpenAICompatible({ name: 'evenkeel', baseURL: `${product.url}/v1`, apiKey: user.key });
  return evenkeel('stub-model');
}

it('streams text to the ai package', async () => {
  const { textStream } = streamText({ model: model(), prompt: 'Hello' });
  const parts = await Array.fromAsync(textStream);
  expect(parts.length).toBeGreaterThan(1);
  expect(parts.join('')).toBe(text);
});

it('gives the ai package a whole text with its usage', async () => {
  const result = await generateText({ model: model(), prompt: 'Hello' });
  expect(result.text).toBe(text);
  expect(result.usage.outputTokens).toBeGreaterThan(0);
});
