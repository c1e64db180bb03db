import { expect, test } from 'vitest';
import { newRunningTurn } from '../../../../test/harness/new-running-turn.ts';
import { createTestAssistant } from '../../../../test/harness/test-assistant.ts';
import { testContext } from '../../../../test/harness/test-context.ts';
import { systemClock as clock } from '../../../base/time.ts';
import { createLogger } from '../../../platform/log/index.ts';
import {
  type ChatCompletionChunk,
  type CompletionRequest,
  type Models,
  modelErrors,
  type ToolCallDelta,
} from '../../models/index.ts';
import { type Assistant, Assistants, type ReadyAssistant } from '../assistants.ts';
import type { RunningTurn } from './running-turn.ts';
import { writeAnswer } from './write-answer.ts';

type Choices = ChatCompletionChunk['choices'];

const log = createLogger({ level: 'silent' });

/** A tenth of what an answer may hold. */
const piece = 'x'.repeat(100_000);
/** So many pieces that an answer without a bound would hold ten times as much as it may. */
const PIECES = 100;

/** What else may be chosen: how many chunks come, the tools that the model is told of, what it counts in its first chunk. */
interface AnswerOptions {
  readonly count?: number;
  readonly assistant?: ReadyAssistant;
  readonly usage?: ChatCompletionChunk['usage'];
}

/** Has a model answer a turn; answers what that failed with, and how many chunks were taken from it. */
async function answer(turn: RunningTurn, choicesAt: (at: number) => Choices, answerOptions: AnswerOptions = {}) {
  const { count = PIECES, assistant, usage } = answerOptions;
  let taken = 0;
  const models = {
    async stream(_request: unknown, _call: unknown, take: (chunk: object) => void) {
      for (let at = 0; at < count; at++) {
        taken++;
        const counted = at === 0 && usage !== undefined ? { usage } : {};
        take({ id: 'c', object: 'chat.completion.chunk', created: 1, model: 'm', choices: choicesAt(at), ...counted });
      }
    },
  } as unknown as Models;
  const context = { ...testContext(), deadline: turn.deadline };
  const parts = { assistant, conversation: [], tried: [], ensureSaved: async () => undefined };
  const options = { models, log, clock, context, ...parts };
  const writing = writeAnswer(turn, options);
  const error = await writing.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  turn.deadline.end();
  return { error, taken };
}

function breakOff(): never {
  throw modelErrors.raise.bad_response();
}

const say = (delta: Choices[number]['delta']): Choices => [{ index: 0, delta }];
const call = (...tool_calls: ToolCallDelta[]) => say({ tool_calls });

const endless: [string, (at: number) => Choices][] = [
  ['text', () => say({ content: piece })],
  ['text that cannot be stored', () => say({ content: '\0'.repeat(piece.length) })],
  ['a refusal', () => say({ refusal: piece })],
  ['thoughts that are wanted back', () => say({ reasoning_content: piece })],
  ['a list of thoughts', () => say({ reasoning_details: [{ type: 'reasoning.text', index: 0, text: piece }] })],
  ['the arguments of a call', () => call({ index: 0, id: 'a', function: { arguments: piece } })],
  // The same name again is taken for a repeated one.
  ['the name of a call', (at) => call({ index: 0, id: 'a', function: { name: `${piece}${at}` } })],
  ['the input of a custom call', () => call({ index: 0, id: 'a', custom: { input: piece } })],
  ['the name of a custom call', (at) => call({ index: 0, id: 'a', custom: { name: `${piece}${at}` } })],
  ['calls at one index', (at) => call({ index: 0, id: String(at), function: { name: 'add', arguments: piece } })],
  ['ids of calls', (at) => call({ index: at, id: piece })],
  ['kinds of calls', (at) => call({ index: at, type: piece })],
  ['calls that say nothing', (at) => call(...Array.from({ length: 1_000 }, (_, n) => ({ index: at * 1_000 + n })))],
  ['a choice that nobody asked for', () => [...say({}), { index: 1, delta: { content: piece } }]],
  ['reasons to end', (at) => [...say({}), { index: at + 1, delta: {}, finish_reason: piece }]],
  ['choices that say nothing', (at) => Array.from({ length: 1_000 }, (_, n) => ({ index: at * 1_000 + n, delta: {} }))],
];

test.each(endless)('a model that does not stop writing %s is left at the bound', async (_what, choicesAt) => {
  const { error, taken } = await answer(newRunningTurn(), choicesAt);
  expect(error).toMatchObject({ code: 'chat.answer_too_long' });
  expect(taken).toBeLessThanOrEqual(11);
});

test('a model that writes by the letter is left when its pieces are more than any model has tokens for', async () => {
  const { error, taken } = await answer(newRunningTurn(), () => say({ content: 'x' }), { count: 250_000 });
  expect(error).toMatchObject({ code: 'chat.answer_too_long' });
  expect(taken).toBe(200_001);
});

test.each([
  ['thoughts', 10_000, () => say({ reasoning: piece } as object)],
  ['pieces of a call without a word', 1_000_000, () => call({ index: 0, id: 'a', function: { arguments: '' } })],
])('a model that does not stop writing %s, which are not kept, costs no more than a turn may', async (...row) => {
  const [, count, choicesAt] = row;
  const turn = newRunningTurn();
  expect((await answer(turn, choicesAt, { count })).error).toMatchObject({ code: 'chat.answer_too_long' });
  expect(turn.usage?.completion_tokens).toBeLessThanOrEqual(525_000);
});

test.each([
  ['long pieces by their length', 'x'.repeat(4_000), 1_000 * PIECES],
  ['short ones as a token each', 'tok', PIECES],
])('an answer without a count is counted by an estimate: %s', async (_what, content, tokens) => {
  const turn = newRunningTurn();
  await answer(turn, () => say({ content }));
  expect(turn.usage?.completion_tokens).toBe(tokens);
});

test('of a stream that broke, what came after the provider counted costs too', async () => {
  const turn = newRunningTurn();
  const usage = { prompt_tokens: 5, completion_tokens: 0, total_tokens: 5 };
  await answer(turn, (at) => (at < 2 ? say({ content: piece }) : breakOff()), { usage });
  expect(turn.usage).toEqual({ prompt_tokens: 5, completion_tokens: 50_000 });
});

test('of a prompt that nobody counted, the tools count as they do in a completion', async () => {
  const turn = newRunningTurn();
  const tool = { type: 'function' as const, function: { name: 'test_tool', description: piece } };
  const assistant = { instructions: '', offered: [tool], toolset: new Map() } as unknown as ReadyAssistant;
  await answer(turn, () => say({ content: 'x' }), { assistant });
  expect(turn.usage?.prompt_tokens).toBeGreaterThan(25_000);
});

test('of several choices, the first alone is the answer, wherever it stands in a chunk', async () => {
  const turn = newRunningTurn();
  const other = { index: 1, delta: { content: 'other' } };
  await answer(turn, (at) => [[other], [other, ...say({ content: 'its own' })]][at] ?? say({}));
  expect(turn.text).toBe('its own');
});

test('a refusal is the answer, in its own words', async () => {
  const turn = newRunningTurn();
  await answer(
    turn,
    (at) => [say({ content: null, refusal: 'I cannot' }), say({ refusal: ' do that.' })][at] ?? say({}),
  );
  expect(turn.text).toBe('I cannot do that.');
});

/** Has a model answer a turn of an assistant with these chunks, a list for each time it is asked; answers what it was asked. */
async function assist(turn: RunningTurn, tools: Assistant['tools'], steps: readonly (readonly object[])[]) {
  const requests: CompletionRequest[] = [];
  const models = {
    async stream(request: CompletionRequest, _call: unknown, take: (chunk: object) => void) {
      for (const chunk of steps[requests.push(request) - 1] ?? []) take({ model: 'm', choices: say({}), ...chunk });
    },
  } as unknown as Models;
  const context = { ...testContext(), deadline: turn.deadline };
  const assistant = new Assistants([{ ...createTestAssistant(), tools }]).get('desk');
  const parts = { assistant, conversation: [], tried: [], ensureSaved: async () => undefined };
  await writeAnswer(turn, { models, log, clock, context, ...parts });
  turn.deadline.end();
  return requests;
}

const { tools } = createTestAssistant();
const recite = call({ index: 0, id: 'a', function: { name: 'desk_recite', arguments: '{"text":"x"}' } });

test.each([
  ['asked', 500_000, 0],
  ['written', 0, 500_000],
])('a turn in which a great deal was %s may call no further tool', async (_what, prompt_tokens, completion_tokens) => {
  const turn = newRunningTurn();
  const step = [{ choices: recite, usage: { prompt_tokens, completion_tokens, total_tokens: 500_000 } }];
  const requests = await assist(turn, tools, [step, step]);
  expect(requests.map(({ tool_choice }) => tool_choice)).toEqual([undefined, 'none']);
  expect(turn.toolCalls).toHaveLength(1);
});

test('a turn of which the offline model wrote a part is degraded, whoever wrote the rest', async () => {
  const turn = newRunningTurn();
  await assist(turn, tools, [[{ choices: recite, degraded: true }], [{ choices: say({ content: 'Done.' }) }]]);
  expect([turn.isDegraded, turn.text]).toEqual([true, 'Done.']);
});

test('a model is offered no list of tools where there are none, for some providers refuse an empty one', async () => {
  const [request] = await assist(newRunningTurn(), [], []);
  expect(request).not.toHaveProperty('tools');
});

test('the pieces of a call count as a token each, where nobody counted', async () => {
  const turn = newRunningTurn();
  await answer(turn, () => call({ index: 0, id: 'a', function: { arguments: '1' } }));
  expect(turn.usage?.completion_tokens).toBe(PIECES);
});

test('what was written in earlier steps of a turn counts', async () => {
  const turn = newRunningTurn();
  for (let at = 0; at < 9; at++) turn.write(piece);
  const { error, taken } = await answer(turn, () => call({ index: 0, id: 'a', function: { arguments: piece } }));
  expect(error).toMatchObject({ code: 'chat.answer_too_long' });
  expect(taken).toBeLessThanOrEqual(2);
});

test('a call whose id comes with each of its pieces is no longer than the call', async () => {
  const id = 'x'.repeat(40_000);
  const { error, taken } = await answer(newRunningTurn(), () => call({ index: 0, id, function: { arguments: '1' } }));
  expect([error, taken]).toEqual([undefined, PIECES]);
});

/** Has a model answer that calls a tool first, thinking, and refuses what comes then for these reasons, one after the other. */
async function tellsAfter(reasons: readonly string[]) {
  const assistant = new Assistants([createTestAssistant()]).get('desk');
  const told: CompletionRequest['messages'][] = [];
  const models = {
    async stream({ messages }: CompletionRequest, _call: unknown, take: (chunk: object) => void) {
      told.push(structuredClone(messages));
      const reason = told.length > 1 ? reasons[told.length - 2] : undefined;
      if (reason !== undefined) throw modelErrors.raise.invalid_request({ reason });
      const extra_content = { google: { thought_signature: 's' } };
      const called = call({
        index: 0,
        id: 'call_1',
        extra_content,
        function: { name: 'desk_recite', arguments: '{"text":"x"}' },
      });
      const thoughts = say({
        reasoning_content: 'Hm.',
        reasoning_details: [{ type: 'reasoning.encrypted', data: 'x' }],
      });
      const choices = told.length === 1 ? [...thoughts, ...called] : say({ content: 'Done.' });
      take({ id: 'c', object: 'chat.completion.chunk', created: 1, model: 'm', choices });
    },
  } as unknown as Models;
  const turn = newRunningTurn();
  const earlier = { id: 'call_0', type: 'function' as const, function: { name: 'desk_recite', arguments: '{}' } };
  const conversation: CompletionRequest['messages'] = [
    { role: 'user', content: 'Hi' },
    { role: 'assistant', content: null, tool_calls: [earlier] },
    { role: 'tool', tool_call_id: 'call_0', content: '1' },
  ];
  const context = { ...testContext(), deadline: turn.deadline };
  const parts = { assistant, conversation, tried: [], ensureSaved: async () => undefined };
  await writeAnswer(turn, { models, log, clock, context, ...parts }).finally(() => turn.deadline.end());
  return (told.at(-1) ?? []).filter(({ role }) => role === 'assistant' || role === 'tool');
}

test('thoughts are told with the calls that came of them', async () => {
  const [earlier, , latest] = await tellsAfter([]);
  expect(earlier).not.toHaveProperty('reasoning_content');
  expect(latest).toMatchObject({ reasoning_content: 'Hm.', reasoning_details: [{ data: 'x' }] });
});

test('a provider that misses thoughts gets something in their place; one that takes none gets none', async () => {
  // As Moonshot and DeepSeek say it.
  for (const reason of [
    'thinking is enabled but reasoning_content is missing in assistant tool call message at index 2',
    'The `reasoning_content` in the thinking mode must be passed back to the API.',
  ]) {
    const [earlier, , latest] = await tellsAfter([reason]);
    expect([earlier?.reasoning_content, latest?.reasoning_content]).toEqual([' ', 'Hm.']);
  }
  // As Groq, Mistral and OpenAI say it.
  for (const reason of [
    "'messages.3' : for 'role:assistant' the following must be satisfied[('messages.3' : property 'reasoning_content' is unsupported)]",
    'body.messages.3.assistant.reasoning_content: Extra inputs are not permitted',
    "Unknown parameter: 'messages[3].reasoning_content'.",
    "Unknown parameter: 'messages[3].reasoning_details'.",
    "Unknown parameter: 'messages[3].tool_calls[0].extra_content'.",
  ]) {
    const [earlier, , latest] = await tellsAfter([reason]);
    for (const field of ['reasoning_content', 'reasoning_details']) {
      expect([earlier, latest]).not.toContainEqual(expect.objectContaining({ [field]: expect.anything() }));
    }
    expect(latest?.tool_calls?.[0]).not.toHaveProperty('extra_content');
  }
});

test.each([
  'Tool call id was call_0 but must be a-z, A-Z, 0-9, with a length of 9.',
  "Invalid 'messages[2].tool_calls[0].id': string too long. Expected a string with maximum length 40, but got a string with length 41 instead.",
])('a provider that refuses the ids of calls gets others: %s', async (reason) => {
  const [call0, result0, call1, result1] = await tellsAfter([reason]);
  const ids = [call0, call1].map((message) => message?.tool_calls?.[0]?.id);
  expect(ids).toEqual([result0?.tool_call_id, result1?.tool_call_id]);
  expect(new Set(ids).size).toBe(2);
  for (const id of ids) expect(id).toMatch(/^[a-zA-Z0-9]{9}$/);
});

test('a provider that is never content with the form is not asked for ever, nor one again that finds something else wrong', async () => {
  const never = ['reasoning_content is missing', 'reasoning_content is unsupported', 'reasoning_content is missing'];
  await expect(tellsAfter(never)).rejects.toMatchObject({ message: never[2] });
  await expect(tellsAfter(['No.'])).rejects.toMatchObject({ message: 'No.' });
});
