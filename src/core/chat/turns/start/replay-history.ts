import type { AnsweredMessage, Message as ModelMessage, ToolCall as ModelToolCall } from '../../../models/index.ts';
import type { StoredToolCall } from '../tool-call.ts';

/**
 * The latest messages of a session, the last first, as they are read for the model: their roles, contents and tool calls
 * (`StoredToolCall`s), each null where there are no messages. An array of each, for an object of each message costs Postgres
 * seven times as much: 50 messages 0.4 ms.
 */
export type StoredHistory = readonly [
  roles: readonly string[] | null,
  contents: readonly string[] | null,
  toolCalls: readonly unknown[] | null,
];

/** A message of the session. */
interface HistoryRow {
  readonly role: string;
  readonly content: string;
  readonly toolCalls: readonly StoredToolCall[];
}

function toRows([roles, contents, toolCalls]: StoredHistory): HistoryRow[] {
  return (roles ?? []).map((role, index) => ({
    role,
    content: contents?.[index] ?? '',
    // What the provider wanted back is for the turn itself: it may be another provider now.
    toolCalls: ((toolCalls?.[index] ?? []) as StoredToolCall[]).map(({ extra_content: _, ...call }) => call),
  }));
}

/**
 * How much of the history the model is told, in characters: about 100,000 tokens, which today's models take, and the bound
 * of what one call can cost.
 */
export const MAX_HISTORY_CHARS = 400_000;

/** A name that no provider refuses. Models make up others, and a call that is told again is refused with all of its session. */
function toGoodName(name: string): string {
  return name.replaceAll(/[^a-zA-Z0-9_-]/g, '_').slice(0, 64) || 'unknown';
}

/** A call as the model is told of what it did; of arguments that were no object, which its result says, none. */
function toModelCall({ id, name, arguments: given, extra_content }: StoredToolCall): ModelToolCall {
  const isObject = typeof given === 'object' && given !== null && !Array.isArray(given);
  const called = { name: toGoodName(name), arguments: isObject ? JSON.stringify(given) : '{}' };
  return { id, type: 'function', function: called, ...(extra_content && { extra_content }) };
}

/** The answers to the calls of a step, as the model is told. */
function toModelResult({ id, result }: StoredToolCall): ModelMessage {
  return { role: 'tool', tool_call_id: id, content: JSON.stringify(result ?? null) };
}

/** What an assistant said in one step, with what it thought if that is known, the calls that it ended in, and their results. */
export function replayStep(
  text: string,
  calls: readonly StoredToolCall[],
  { reasoning_content: thoughts, reasoning_details: details }: Partial<AnsweredMessage> = {},
): ModelMessage[] {
  const tool_calls = calls.map(toModelCall);
  const said: ModelMessage = { role: 'assistant', content: text === '' ? null : text, tool_calls };
  if (typeof thoughts === 'string') said.reasoning_content = thoughts;
  if (Array.isArray(details)) said.reasoning_details = details;
  return [said, ...calls.map(toModelResult)];
}

/** What an assistant said in a turn, step by step. */
function replayAnswer({ content, toolCalls }: HistoryRow): ModelMessage[] {
  if (toolCalls.length === 0) return content === '' ? [] : [{ role: 'assistant', content }];
  const steps = Map.groupBy(toolCalls, (call) => call.step);
  const messages: ModelMessage[] = [];
  let toldChars = 0;
  for (const calls of steps.values()) {
    const at = calls[0]?.at ?? toldChars;
    messages.push(...replayStep(content.slice(toldChars, at), calls));
    toldChars = at;
  }
  const rest = content.slice(toldChars);
  return rest === '' ? messages : [...messages, { role: 'assistant', content: rest }];
}

/** A message as the model is told of it. */
function replay(row: HistoryRow): ModelMessage[] {
  return row.role === 'user' ? [{ role: 'user', content: row.content }] : replayAnswer(row);
}

const charsOf = ({ content, toolCalls }: HistoryRow): number =>
  content.length + (toolCalls.length === 0 ? 0 : JSON.stringify(toolCalls).length);

/** A message that the model is to answer. */
export interface Asked {
  readonly content: string;
  /** The tool calls of each answer that it was given before, in turns that did not complete. */
  readonly tried: readonly (readonly StoredToolCall[])[];
}

/** Said for an assistant that came to no words: some providers refuse a message of the user right after another, or after a result. */
const NO_WORDS: ModelMessage = { role: 'assistant', content: '(no answer yet)' };

/** A message, after the answer to what is before it where that is missing. */
function answerBefore(message: ModelMessage, index: number, all: readonly ModelMessage[]): ModelMessage[] {
  const before = all[index - 1]?.role;
  return message.role === 'user' && (before === 'user' || before === 'tool') ? [NO_WORDS, message] : [message];
}

/**
 * The conversation that the model is to go on with: the latest messages of the history, as many as fit, with the tool calls and
 * their results; the message to answer; and what was done for that already, or it would be done again.
 */
export function toConversation(stored: StoredHistory, { content, tried }: Asked): ModelMessage[] {
  let chars = 0;
  const replayWhatFits = (latestFirst: readonly HistoryRow[]): ModelMessage[] => {
    const told: ModelMessage[][] = [];
    for (const row of latestFirst) {
      chars += charsOf(row);
      if (chars > MAX_HISTORY_CHARS) break;
      told.push(replay(row));
    }
    return told.reverse().flat();
  };
  // What was done already comes before the history, where there is not room for all.
  const done = replayWhatFits(tried.toReversed().map((toolCalls) => ({ role: 'assistant', content: '', toolCalls })));
  const history = replayWhatFits(toRows(stored));
  return [...[...history, { role: 'user' as const, content }].flatMap(answerBefore), ...done];
}
