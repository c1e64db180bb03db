import type { AppError } from '../../base/errors.ts';
import { newId } from '../../base/ids.ts';
import type { ChatCompletion, ChatCompletionChunk } from './completion.ts';
import { modelErrors } from './errors.ts';

type Loose = Record<string, unknown>;

/** Where the two kinds of tool calls hold what the tool is given, and how they give it nothing. */
const callKinds = [
  { kind: 'function', input: 'arguments', nothing: '{}' },
  { kind: 'custom', input: 'input', nothing: '' },
] as const;

/** More tokens than any call takes. A turn asks at most once more after so many, and its sum fits Postgres's integer. */
const maxCount = 1_000_000_000;

/** Not the answer that was promised; `reason` is for the log and quotes nothing of it. */
export function badResponse(reason: string): AppError {
  return modelErrors.raise.bad_response({ cause: new Error(reason) });
}

function isObject(value: unknown): value is Loose {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isTextOrNothing(value: unknown): boolean {
  return value === undefined || value === null || typeof value === 'string';
}

/** A call of a tool, or a piece of one. */
function isToolCall(value: unknown): boolean {
  if (!isObject(value) || !isTextOrNothing(value.id) || !isTextOrNothing(value.type)) return false;
  return callKinds.every(({ kind, input }) => {
    const called = value[kind] ?? {};
    return isObject(called) && isTextOrNothing(called.name) && isTextOrNothing(called[input]);
  });
}

function areToolCallsOrNothing(value: unknown): boolean {
  return value === undefined || value === null || (Array.isArray(value) && value.every(isToolCall));
}

function isCount(value: unknown): boolean {
  return Number.isSafeInteger(value) && (value as number) >= 0 && (value as number) <= maxCount;
}

function isUsage(value: unknown): boolean {
  return (
    isObject(value) && isCount(value.prompt_tokens) && isCount(value.completion_tokens) && isCount(value.total_tokens)
  );
}

/** What is common to a message and a delta of one. */
function isAnswer(value: unknown): boolean {
  return (
    isObject(value) &&
    isTextOrNothing(value.content) &&
    isTextOrNothing(value.refusal) &&
    areToolCallsOrNothing(value.tool_calls)
  );
}

function parse(json: string): Loose {
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch {
    throw badResponse('not JSON');
  }
  if (!isObject(value)) throw badResponse('not a JSON object');
  if (value.error !== undefined && value.error !== null) {
    throw modelErrors.raise.provider_error({ cause: new Error('an error object came in place of an answer') });
  }
  if (!Array.isArray(value.choices)) throw badResponse('no choices');
  // A count that is none could not be billed; without it the answer is still an answer.
  if (value.usage !== undefined && value.usage !== null && !isUsage(value.usage)) value.usage = null;
  return value;
}

/**
 * Reads one chunk of a stream. Fields unknown to us stay in it.
 *
 * @throws AppError `models.bad_response`; `models.provider_error` when it is an error object.
 */
export function readChunk(json: string): ChatCompletionChunk {
  const chunk = parse(json);
  for (const choice of chunk.choices as unknown[]) {
    if (!isObject(choice) || !isTextOrNothing(choice.finish_reason)) throw badResponse('a malformed choice');
    choice.index ??= 0;
    choice.delta ??= {};
    if (!Number.isSafeInteger(choice.index) || !isAnswer(choice.delta)) throw badResponse('a malformed choice');
  }
  return chunk as unknown as ChatCompletionChunk;
}

/** Gives a tool call an id when it has none, as turns do: it only has to be the same in the call and in its result. */
function completeToolCall(call: Loose): void {
  call.id ??= `call_${newId()}`;
  call.type ??= 'function';
  for (const { kind, input, nothing } of callKinds) {
    // Null is not in the schemas of what OpenAI leaves out.
    call[kind] ??= undefined;
    const called = call[kind] as Loose | undefined;
    if (called === undefined) continue;
    if (typeof called.name !== 'string') throw badResponse('a tool call without a name');
    called[input] ??= nothing;
  }
}

function completeChoice(choice: Loose, index: number): void {
  const message = choice.message as Loose;
  message.tool_calls ??= undefined;
  const calls = (message.tool_calls ?? []) as Loose[];
  for (const call of calls) completeToolCall(call);
  if (typeof message.role !== 'string') message.role = 'assistant';
  message.content ??= null;
  choice.index ??= index;
  choice.finish_reason ??= calls.length > 0 ? 'tool_calls' : 'stop';
  if (!Number.isSafeInteger(choice.index) || typeof choice.finish_reason !== 'string') {
    throw badResponse('a malformed choice');
  }
}

/**
 * Reads an answer that was not streamed. What a provider left out is filled in where it can be; fields unknown to us stay
 * in it. The model's name is left to whoever asked.
 *
 * @param now when it came.
 * @throws AppError `models.bad_response`; `models.provider_error` when it is an error object.
 */
export function readCompletion(json: string, now: Date): ChatCompletion {
  const completion = parse(json);
  const choices = completion.choices as unknown[];
  if (choices.length === 0) throw badResponse('no choice');
  for (const [index, choice] of choices.entries()) {
    if (!isObject(choice) || !isAnswer(choice.message)) throw badResponse('a malformed choice');
    completeChoice(choice, index);
  }
  if (typeof completion.id !== 'string') completion.id = `chatcmpl-${newId()}`;
  if (!Number.isSafeInteger(completion.created)) completion.created = Math.floor(now.getTime() / 1000);
  completion.object = 'chat.completion';
  return completion as unknown as ChatCompletion;
}
