import type { Message as ModelMessage, ToolCall as ModelToolCall } from '../../../models/index.ts';
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
    toolCalls: (toolCalls?.[index] ?? []) as StoredToolCall[],
  }));
}

/**
 * How much of the history the model is told, in characters: about 100,000 tokens, which today's models take, and the bound
 * of what one call can cost.
 */
export const maxHistoryChars = 400_000;

/** A call as the model is told of what it did. */
function toModelCall(call: StoredToolCall): ModelToolCall {
  const input = typeof call.arguments === 'string' ? call.arguments : JSON.stringify(call.arguments);
  return { id: call.id, type: 'function', function: { name: call.name, arguments: input } };
}

/** The answers to the calls of a step, as the model is told. */
function toModelResult({ id, result }: StoredToolCall): ModelMessage {
  return { role: 'tool', tool_call_id: id, content: JSON.stringify(result ?? null) };
}

/** What an assistant said in one step, with the calls that it ended in and their results. */
export function replayStep(text: string, calls: readonly StoredToolCall[]): ModelMessage[] {
  const tool_calls = calls.map(toModelCall);
  return [{ role: 'assistant', content: text === '' ? null : text, tool_calls }, ...calls.map(toModelResult)];
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

const charsOf = ({ content, toolCalls }: HistoryRow): number =>
  content.length + (toolCalls.length === 0 ? 0 : JSON.stringify(toolCalls).length);

/**
 * What the model is told of a history: the latest messages, as many as fit, with the tool calls and their results.
 */
export function replayHistory(stored: StoredHistory): ModelMessage[] {
  const told: ModelMessage[][] = [];
  let chars = 0;
  for (const row of toRows(stored)) {
    chars += charsOf(row);
    if (chars > maxHistoryChars) break;
    told.push(row.role === 'user' ? [{ role: 'user', content: row.content }] : replayAnswer(row));
  }
  return told.reverse().flat();
}
