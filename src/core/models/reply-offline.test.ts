import { describe, expect, it } from 'vitest';
import { ample, drainStream, hello } from '../../../test/harness/test-models.ts';
import { createLogger } from '../../platform/log/index.ts';
import { Accumulator } from './accumulator.ts';
import { createModels } from './create-models.ts';
import type { Message } from './message-schema.ts';
import type { PlainCommands, PlainOutcome } from './plain-commands.ts';
import type { CompletionRequest } from './schemas.ts';

const NOW = new Date('2026-03-01T12:00:00Z');

const models = createModels({
  models: [],
  log: createLogger({ level: 'silent' }),
  clock: { now: () => NOW, monotonicMs: () => performance.now() },
});

/** Understands `add …`, and tells what it was told. */
const outcomes: PlainOutcome[] = [];
const commands: PlainCommands = {
  read: ({ text, now }) =>
    text.startsWith('add ') ? { tool: 'todo_add', input: { title: text.slice(4), at: now.toISOString() } } : undefined,
  tell(outcome) {
    outcomes.push(outcome);
    return outcome.result === undefined ? 'That failed.' : `Did ${JSON.stringify(outcome.result)}.`;
  },
  examples: ['add buy milk', 'lägg till mjölk'],
};

const tools = [{ type: 'function' as const, function: { name: 'todo_add' } }];

/** What the offline model answers to a conversation, in chunks and put together. */
async function ask(messages: Message[], rest: Partial<CompletionRequest> = { tools }) {
  const call = { deadline: ample(), commands };
  const drained = await drainStream(models, hello({ messages, ...rest }), call);
  const answer = new Accumulator();
  for (const chunk of drained.chunks) answer.add(chunk);
  const [choice] = (await models.complete(hello({ messages, ...rest }), call)).choices;
  const [streamed] = answer.toCompletion().choices;
  return { ...drained, message: answer.message, finishReason: streamed?.finish_reason, whole: choice };
}

const user = (content: NonNullable<Message['content']>): Message => ({ role: 'user', content });

/** A command, the calls that were made for it, and what each of them returned. */
function afterCalls(...results: string[]): Message[] {
  const calls = results.map((_, index) => ({
    ...{ id: `call_${index}`, type: 'function' as const },
    function: { name: 'todo_add', arguments: '{}' },
  }));
  return [
    user('add milk'),
    { role: 'assistant', content: null, tool_calls: calls },
    ...results.map((content, index): Message => ({ role: 'tool', tool_call_id: `call_${index}`, content })),
  ];
}

describe('the offline model, with plain commands', () => {
  it.each([
    ['add kill myself', 'findahelpline.com'],
    ['I want to die', 'findahelpline.com'],
    ['i don’t want to live anymore', 'findahelpline.com'],
    ['add to my list: I just want to die', 'findahelpline.com'],
    ['I am suicidal', 'findahelpline.com'],
    ['jag vill dö', '90101'],
    ['jag vill inte leva', '90101'],
    ['lägg till ta livet av mig', '90101'],
    ['jag orkar inte leva längre', '90101'],
    ['I want to end it all', 'findahelpline.com'],
    ["I don't want to be here anymore", 'findahelpline.com'],
    ["I don't want to live in this world", 'findahelpline.com'],
    ['I no longer want to live', 'findahelpline.com'],
    ['I keep cutting myself', 'findahelpline.com'],
    ['I took an overdose', 'findahelpline.com'],
    ['thinking about suicide', 'findahelpline.com'],
    ["my life isn't worth living", 'findahelpline.com'],
    ['jag vill inte finnas längre', '90101'],
    ['jag har tagit en överdos', '90101'],
    ['jag vill hänga mig', '90101'],
    ['jag ska avsluta mitt liv', '90101'],
    ['jag vill verkligen bara få dö', '90101'],
    ['livet är inte värt att leva', '90101'],
    [`${'It rains. '.repeat(200)}I want to die.`, 'findahelpline.com'],
  ])('says where help is to “%s”, and has nothing done', async (said, help) => {
    const { message, finishReason } = await ask([user(said)]);
    expect(message.content).toContain(help);
    expect(finishReason).toBe('stop');
    const withoutRules = await models.complete(hello({ messages: [user(said)] }), { deadline: ample() });
    expect(withoutRules.choices[0]?.message.content).toContain(help);
  });

  it.each([
    'add kill weeds',
    'add watch die hard',
    'add write about suicide prevention',
    'add I could die of laughter',
    'add the plants are going to die',
    'add film on suicidal birds',
    'add end my life insurance',
    'add vill döpa båten',
    "add move, I don't want to live in Paris",
    "add earplugs, I don't want to wake up early",
    "add see the doctor, I don't want to die",
    "add I'd rather die than eat that",
    'add order want die-cut stickers',
    'add take my life back',
    'add charge phone, it is ready to die',
    'add jag vill inte dö',
    'add flytta, jag vill inte leva på landet',
    'add ring hem, annars kommer mamma döda mig',
    'add jag vill hänga mig på festen',
    'add väntan, det tar livet av mig',
    'add ta mitt liv i egna händer',
  ])('has “%s” done', async (said) => {
    expect((await ask([user(said)])).finishReason).toBe('tool_calls');
  });

  it('says where help is, also when a model had a tool called before it failed', async () => {
    const { message } = await ask([user('note that I want to die'), ...afterCalls('{}').slice(1)]);
    expect(message.content).toContain('findahelpline.com');
  });

  it('has the tool called that a command asks for, streamed as providers do', async () => {
    const { message, finishReason, chunks, whole } = await ask([user('add milk')]);
    const called = { name: 'todo_add', arguments: '{"title":"milk","at":"2026-03-01T12:00:00.000Z"}' };
    expect(message).toMatchObject({
      content: null,
      tool_calls: [{ id: expect.stringMatching(/^\w{9}$/), type: 'function', function: called }],
    });
    expect(finishReason).toBe('tool_calls');
    expect(chunks[0]?.choices[0]?.delta.role).toBe('assistant');
    expect(chunks.at(-1)).toMatchObject({ choices: [], usage: { prompt_tokens: 2 } });
    expect(whole).toMatchObject({ finish_reason: 'tool_calls', message: { tool_calls: [{ function: called }] } });
  });

  it('reads a command in several parts', async () => {
    const parts = ['add ', 'milk'].map((text) => ({ type: 'text' as const, text }));
    expect((await ask([user(parts)])).finishReason).toBe('tool_calls');
  });

  it('reads letters with their marks apart, as some keyboards send them', async () => {
    const { message } = await ask([user('add mjölk'.normalize('NFD'))]);
    expect(message.tool_calls?.[0]?.function?.arguments).toContain('mjölk'.normalize('NFC'));
  });

  it('reads no more marks of a letter than any script has', async () => {
    const marked = (count: number) => `z${'\u0316\u0301'.repeat(count / 2)}`;
    const { message } = await ask([user(`add ${marked(30)} ${marked(40)}`)]);
    const { title } = JSON.parse(message.tool_calls?.[0]?.function?.arguments ?? '{}');
    expect(title).toBe(`${marked(30)} ${marked(30)}`.normalize());
    const endless = await ask([user(`${marked(200_000)} I want to die`)]);
    expect(endless.message.content).toContain('findahelpline.com');
  });

  it('does not read what is longer than any command, nor tell of it', async () => {
    const long = `add ${'x'.repeat(997)}`;
    expect((await ask([user(long.slice(0, 1_000))])).finishReason).toBe('tool_calls');
    expect((await ask([user(long)])).text).toContain('only understands plain commands');
    outcomes.length = 0;
    await ask([user(long), ...afterCalls('{}').slice(1)]);
    expect(outcomes.map(({ text }) => text)).toEqual(['', '']);
  });

  it.each([
    ['is not offered', { tools: [{ type: 'function' as const, function: { name: 'other' } }] }],
    ['is not offered at all', {}],
    ['may not be called', { tools, tool_choice: 'none' as const }],
  ])('calls no tool that %s', async (_, rest) => {
    const { message, finishReason, text } = await ask([user('add milk')], rest);
    expect(message.tool_calls).toBeUndefined();
    expect(finishReason).toBe('stop');
    expect(text).toContain('plain commands');
  });

  it('says in a sentence, with examples, that it did not understand', async () => {
    const { text, finishReason } = await ask([user('what is the meaning of it all? my secret is 1234')]);
    expect(text).toMatch(/not a language model.*plain commands, such as “add buy milk”, “lägg till mjölk”\.$/);
    expect(text).not.toContain('1234');
    expect(finishReason).toBe('stop');
  });

  it('tells what the tool came to, with what was said', async () => {
    outcomes.length = 0;
    const { text, finishReason } = await ask(afterCalls('{"id":7}'));
    expect(text).toBe('Did {"id":7}.');
    expect(finishReason).toBe('stop');
    expect(outcomes[0]).toEqual({ text: 'add milk', tool: 'todo_add', result: { id: 7 } });
  });

  it.each(['{"error":{"message":"no"}}', 'Something went wrong.', ''])(
    'tells that a tool failed which answered %j',
    async (content) => {
      expect((await ask(afterCalls(content))).text).toBe('That failed.');
    },
  );

  it('tells of several tools, a line each', async () => {
    expect((await ask(afterCalls('1', 'oops', '[]'))).text).toBe('Did 1.\nThat failed.\nDid [].');
  });
});

describe('the offline model, in a conversation', () => {
  it('tells what came of the last calls, not of those before', async () => {
    const before: Message[] = [...afterCalls('"old"'), { role: 'assistant', content: 'Did "old".' }];
    expect((await ask([...before, ...afterCalls('"new"')])).text).toBe('Did "new".');
  });

  it('does nothing when the user has not said something last', async () => {
    const { message } = await ask([user('add milk'), { role: 'assistant', content: 'A moment.' }]);
    expect([message.tool_calls, message.content]).toEqual([undefined, expect.stringContaining('offline model')]);
  });

  it('has a call cut short by the bound, and says so', async () => {
    const { message, finishReason } = await ask([user('add milk')], { tools, max_tokens: 1 });
    expect(message.tool_calls).toMatchObject([{ function: { name: 'todo_add', arguments: '' } }]);
    expect(finishReason).toBe('length');
  });
});
