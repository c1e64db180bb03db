import { createOpenAICompatible } from '@ai-sdk/openai-compatible';
import { generateText, isStepCount, jsonSchema, streamText, tool } from 'ai';
import { afterEach, beforeAll, expect, it } from 'vitest';
import { type TestUser, useProductWithModel } from '../harness/product.ts';

const TEXT = 'One two three, 四.';

const { product, provider } = useProductWithModel({ text: TEXT });
let user: TestUser;

beforeAll(async () => {
  user = await product.createUser();
});

afterEach(() => provider.setMode('ok'));

function model() {
  const evenkeel = createOpenAICompatible({
    name: 'evenkeel',
    baseURL: `${product.url}/v1`,
    apiKey: user.key,
    includeUsage: true,
  });
  return evenkeel('stub-model');
}

it('streams text to the ai package', async () => {
  const { textStream } = streamText({ model: model(), prompt: 'Hello' });
  const parts = await Array.fromAsync(textStream);
  expect(parts.length).toBeGreaterThan(1);
  expect(parts.join('')).toBe(TEXT);
});

it('gives the ai package a whole text with its usage', async () => {
  const result = await generateText({ model: model(), prompt: 'Hello' });
  expect(result.text).toBe(TEXT);
  expect(result.usage.outputTokens).toBeGreaterThan(0);
});

it('streams tool calls to the ai package, which runs the tool and streams the answer, with usage', async () => {
  provider.setMode('tool-call');
  const ran: unknown[] = [];
  const add = tool({
    description: 'Adds an item.',
    inputSchema: jsonSchema<{ title: string }>({ type: 'object', properties: { title: { type: 'string' } } }),
    execute: async (input) => ran.push(input),
  });
  const result = streamText({ model: model(), prompt: 'Add it', tools: { add }, stopWhen: isStepCount(2) });
  expect((await Array.fromAsync(result.textStream)).join('')).toBe(TEXT);
  expect(ran).toEqual([{ title: 'buy milk' }]);
  expect((await result.totalUsage).outputTokens).toBeGreaterThan(0);
});

it('tells the ai package of a stream that breaks', async () => {
  provider.setMode('truncated');
  const errors: unknown[] = [];
  const { fullStream } = streamText({
    ...{ model: model(), prompt: 'Hello', maxRetries: 0 },
    onError: ({ error }) => void errors.push(error),
  });
  const parts = await Array.fromAsync(fullStream);
  expect(errors).toHaveLength(1);
  expect(parts.map(({ type }) => type)).toContain('error');
});
