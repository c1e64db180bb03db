import { expect, test } from 'vitest';
import { Deadline } from '../../base/deadline.ts';
import { newId } from '../../base/ids.ts';
import type { ChatCompletionChunk } from '../models/index.ts';
import type { ModelUse, UsageRecorder } from '../plans/index.ts';
import type { Asking } from './answer-once.ts';
import { type Metering, meterModels } from './meter-models.ts';

type Choices = ChatCompletionChunk['choices'];
type Delta = Choices[number]['delta'];

const usage = { prompt_tokens: 5, completion_tokens: 7, total_tokens: 12 };

/** What is counted of a stream that is left after these chunks. */
async function countOf(chunks: readonly Partial<ChatCompletionChunk>[]): Promise<number | undefined> {
  const models = {
    async *stream() {
      for (const chunk of chunks) yield { id: 'c', model: 'm', choices: [], ...chunk };
    },
  } as unknown as Asking;
  const told: ModelUse[] = [];
  const metering: Metering = {
    tokenBudget: { reserve: async () => ({ settle() {} }) },
    usage: { record: (use: ModelUse) => told.push(use) } as unknown as UsageRecorder,
  };
  const deadline = Deadline.after(30_000);
  const metered = meterModels(models, { userId: newId(), plan: 'free' }, metering);
  const stream = metered.stream({ messages: [{ role: 'user', content: 'Hello' }] }, { deadline });
  for (let taken = 0; taken < chunks.length; taken++) await stream.next();
  await stream.return(undefined);
  deadline.end();
  expect(told).toHaveLength(1);
  return told[0]?.completionTokens;
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
