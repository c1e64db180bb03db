import { expect, test } from 'vitest';
import type { StoredToolCall } from '../tool-call.ts';
import { MAX_HISTORY_CHARS, type StoredHistory, toConversation } from './replay-history.ts';

/** A message of the session, as it is stored. */
interface Said {
  readonly role?: string;
  readonly content?: string;
  readonly toolCalls?: readonly StoredToolCall[];
}

/** The history of these messages, the first one first. */
function historyOf(messages: readonly Said[]): StoredHistory {
  const latestFirst = messages.toReversed();
  return [
    latestFirst.map(({ role = 'user' }) => role),
    latestFirst.map(({ content = '' }) => content),
    latestFirst.map(({ toolCalls }) => toolCalls ?? null),
  ];
}

const call = (id: string, more: Partial<StoredToolCall> = {}): StoredToolCall => ({
  ...{ id, name: 'look', arguments: {}, step: 1, at: 0, result: 'seen', is_error: false },
  ...more,
});

/** What the model is told, by the first letter of each message or the id of its call. */
function tell(history: readonly Said[], tried: readonly (readonly StoredToolCall[])[] = []): unknown[] {
  const told = toConversation(historyOf(history), { content: '?', tried });
  return told.map((message) => ('tool_calls' in message && message.tool_calls?.[0]?.id) || String(message.content)[0]);
}

test('where an answer came to no words that is told: some providers refuse what comes then', () => {
  expect(tell([{ content: 'a' }, { role: 'assistant' }, { content: 'b' }])).toEqual(['a', '(', 'b', '(', '?']);
  expect(tell([{ content: 'a' }, { role: 'assistant', toolCalls: [call('c')] }])).toEqual(['a', 'c', '"', '(', '?']);
  expect(tell([{ content: 'a' }, { role: 'assistant', content: 'b' }])).toEqual(['a', 'b', '?']);
});

test('messages are told up to the bound, the calls of tools and their results included', () => {
  const text = 'x'.repeat(MAX_HISTORY_CHARS - 1);
  expect(tell([{ content: 'a' }, { content: text }])).toEqual(['a', '(', 'x', '(', '?']);
  expect(tell([{ content: 'ab' }, { content: text }])).toEqual(['x', '(', '?']);
  const called = { role: 'assistant', toolCalls: [call('c', { result: text })] };
  expect(tell([{ content: 'a' }, called, { content: 'b' }])).toEqual(['b', '(', '?']);
});

test('what was tried for the message follows it in order, and comes before the history where there is not room for all', () => {
  const big = { result: 'x'.repeat(MAX_HISTORY_CHARS / 2) };
  expect(tell([{ content: 'a' }], [[call('c')], [call('d')]])).toEqual(['a', '(', '?', 'c', '"', 'd', '"']);
  const history = [{ role: 'assistant', toolCalls: [call('b', big)] }];
  expect(tell(history, [[call('c', big)]])).toEqual(['?', 'c', '"']);
});

test('a call without a result is told as one of nothing', () => {
  const told = toConversation(historyOf([]), { content: '?', tried: [[{ ...call('c'), result: undefined }]] });
  expect(told.at(-1)).toEqual({ role: 'tool', tool_call_id: 'c', content: 'null' });
});
