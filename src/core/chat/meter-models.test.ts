import { expect, test } from 'vitest';
import { Cancelled, Deadline } from '../../base/deadline.ts';
import { newId } from '../../base/ids.ts';
import type { ChatCompletionChunk, CompletionRequest, ModelCall } from '../models/index.ts';
import type { ModelUse, UsageRecorder } from '../plans/index.ts';
import type { Asking } from './answer-once.ts';
import { type Metering, meterModels } from './meter-models.ts';

type Choices = ChatCompletionChunk['choices'];
type Delta = Choices[number]['delta'];

const usage = { prompt_tokens: 5, completion_tokens: 7, total_tokens: 12 };

const hello: CompletionRequest = { messages: [{ role: 'user', content: 'Hello' }] };

/** What is set aside for a stream, and what is counted of it when it is left after these chunks. */
async function meter(chunks: readonly Partial<ChatCompletionChunk>[], request = hello) {
  const models = {
    async stream(_request: unknown, { deadline }: ModelCall, take: (chunk: object) => void) {
      for (const chunk of chunks) take({ id: 'c', model: 'm', choices: [], ...chunk });
      deadline.throwIfEnded();
    },
  } as unknown as Asking;
  const told: ModelUse[] = [];
  let reservedTokens = 0;
  const reserve = async (_spender: unknown, tokens: number) => {
    reservedTokens = tokens;
    return { settle() {} };
  };
  const metering: Metering = {
    tokenBudget: { reserve },
    usage: { record: (use: ModelUse) => told.push(use) } as unknown as UsageRecorder,
  };
  const deadline = Deadline.after(30_000);
  const metered = meterModels(models, { userId: newId(), plan: 'free' }, metering);
  let taken = 0;
  const stream = metered.stream(request, { deadline }, () => {
    taken++;
    if (taken === chunks.length) deadline.cancel();
    return undefined;
  });
  await expect(stream).rejects.toThrow(Cancelled);
  expect(told).toHaveLength(1);
  return { reservedTokens, promptTokens: told[0]?.promptTokens, completionTokens: told[0]?.completionTokens };
}

async function countOf(chunks: readonly Partial<ChatCompletionChunk>[]): Promise<number | undefined> {
  return (await meter(chunks)).completionTokens;
}

const say = (delta: object): Partial<ChatCompletionChunk> => ({ choices: [{ index: 0, delta: delta as Delta }] });
const long = 'x'.repeat(4_000);

test.each([
  ['text', { content: long }],
  ['a refusal', { refusal: long }],
  ['reasoning', { reasoning: long }],
  ['reasoning under its other name', { reasoning_content: long }],
  ['reasoning under both names', { reasoning: long, reasoning_content: long }],
  ['the arguments of a call', { tool_calls: [{ index: 0, function: { arguments: long } }] }],
  ['the input of a custom call', { tool_calls: [{ index: 0, custom: { input: long } }] }],
])('of a stream that was left, %s in long pieces counts by its length', async (_what, delta) => {
  expect(await countOf([say(delta), say(delta), say(delta)])).toBe(3_000);
});

test('of a stream that was left, short pieces count as a token each, however many choices a chunk has', async () => {
  expect(await countOf(Array.from({ length: 100 }, () => say({ content: 'tok' })))).toBe(100);
  expect(await countOf([{ choices: [0, 1].map((index) => ({ index, delta: { content: 'a' } })) }])).toBe(2);
});

test('of a stream that was left, pieces of a usual length do not count double', async () => {
  // 480 characters in all.
  expect(await countOf(Array.from({ length: 80 }, (_, at) => say({ content: at % 2 ? ' four' : ' sevens' })))).toBe(
    120,
  );
});

test('what the provider counted goes before any estimate', async () => {
  expect(await countOf([say({ content: long }), { usage }])).toBe(7);
});

test('thoughts count that the provider left out of its count, but not out of the sum', async () => {
  expect(await countOf([{ ...say({ content: 'tok' }), usage: { ...usage, total_tokens: 112 } }])).toBe(107);
});

test('of a stream that was left, what came after the provider counted costs too', async () => {
  expect(await countOf([{ ...say({}), usage: { ...usage, completion_tokens: 0 } }, say({ content: long })])).toBe(
    1_000,
  );
});

test.each([
  ['the usual length of an answer', {}, 4_096],
  ['the bound that is set', { max_tokens: 100 }, 100],
  ['the newer one', { max_completion_tokens: 100, max_tokens: null }, 100],
  ['the larger one of two, for each choice', { max_completion_tokens: 1, max_tokens: 50_000, n: 2 }, 100_000],
])('set aside for an answer is %s', async (_what, bounds, tokens) => {
  const { reservedTokens, promptTokens } = await meter([say({ content: 'tok' })], { ...hello, ...bounds });
  expect(reservedTokens - (promptTokens ?? 0)).toBe(tokens);
});

const bytes = 'A'.repeat(800_000);

test.each([
  ['a picture', { type: 'image_url', image_url: { url: `data:image/png;base64,${bytes}` } }],
  ['a picture elsewhere', { type: 'image_url', image_url: { url: 'https://example.com/a.png' } }],
  ['a recording', { type: 'input_audio', input_audio: { data: bytes, format: 'wav' } }],
] as const)('of a prompt, %s counts as a thousand tokens, however long it is as text', async (_what, part) => {
  const content = [{ type: 'text' as const, text: 'x'.repeat(4_000) }, part];
  const request: CompletionRequest = { messages: [{ role: 'user', content }], max_completion_tokens: 100 };
  const { reservedTokens, promptTokens } = await meter([say({ content: 'tok' })], request);
  expect(promptTokens).toBeGreaterThanOrEqual(2_000);
  expect(promptTokens).toBeLessThan(2_060);
  expect(reservedTokens).toBe((promptTokens ?? 0) + 100);
});

test.each([
  ['a recording', { audio: { id: 'audio_1', data: bytes } }],
  ['a picture', { images: [{ type: 'image_url', image_url: { url: `data:image/png;base64,${bytes}` } }] }],
])('of an answer that is sent back, %s counts as much', async (_what, medium) => {
  const request: CompletionRequest = { messages: [{ role: 'assistant', content: 'x'.repeat(4_000), ...medium }] };
  const { promptTokens } = await meter([say({ content: 'tok' })], request);
  expect(promptTokens).toBeGreaterThanOrEqual(2_000);
  expect(promptTokens).toBeLessThan(2_060);
});

test('of a prompt, a file counts by its length: all of it may be text', async () => {
  const part = { type: 'file', file: { file_data: `data:text/plain;base64,${bytes}` } } as const;
  const { promptTokens } = await meter([say({ content: 'tok' })], { messages: [{ role: 'user', content: [part] }] });
  expect(promptTokens).toBeGreaterThan(200_000);
});

const text = 'x'.repeat(400_000);
const definition = { name: 'add', description: text };

test.each([
  ['a tool', { tools: [{ type: 'function', function: definition }] }],
  ['a function', { functions: [definition] }],
  ['the schema of the answer', { response_format: { type: 'json_schema', json_schema: definition } }],
  ['a predicted answer', { prediction: { type: 'content', content: text } }],
] as const)('of a prompt, %s counts by its length', async (_what, part) => {
  const { promptTokens } = await meter([say({ content: 'tok' })], { ...hello, ...part } as CompletionRequest);
  expect(promptTokens).toBeGreaterThan(100_000);
});
