import type { AppError } from '../../base/errors.ts';
import { newId } from '../../base/ids.ts';
import { newCallId } from './call-id.ts';
import type { ChatCompletion, ChatCompletionChunk } from './completion.ts';
import { modelErrors } from './errors.ts';

type Loose = Record<string, unknown>;

/** Where the two kinds of tool calls hold what the tool is given, and how they give it nothing. */
const callKinds = [
  { kind: 'function', input: 'arguments', nothing: '{}' },
  { kind: 'custom', input: 'input', nothing: '' },
] as const;

/** More tokens than any call takes. A turn asks at most once more after so many, and its sum fits Postgres's integer. */
const MAX_COUNT = 1_000_000_000;

/** Levels of objects and lists in an answer: far more than any has, far fewer than writing JSON can follow. */
const MAX_DEPTH = 500;

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
  return Number.isSafeInteger(value) && (value as number) >= 0 && (value as number) <= MAX_COUNT;
}

/** What an answer cost; null when it is no count, which could not be billed: without it the answer is still an answer. */
function readUsage(usage: unknown): Loose | null {
  if (!isObject(usage) || !isCount(usage.prompt_tokens) || !isCount(usage.completion_tokens)) return null;
  // Some providers leave the sum out.
  usage.total_tokens ??= (usage.prompt_tokens as number) + (usage.completion_tokens as number);
  return isCount(usage.total_tokens) ? usage : null;
}

/** The texts of parts, in whichever field they stand. */
function textOf(parts: unknown): string {
  if (!Array.isArray(parts)) return typeof parts === 'string' ? parts : '';
  return parts.map((part) => (isObject(part) && typeof part.text === 'string' ? part.text : '')).join('');
}

/**
 * Mistral's and Databricks's models that think write a list of parts, which clients of OpenAI's cannot read. Their words become
 * the text; their thoughts go where others put them.
 */
function joinParts(message: Loose): void {
  const { content: parts } = message;
  if (!Array.isArray(parts) || !parts.every(isObject)) return;
  message.content = textOf(parts);
  const thoughts = parts.map((part) => textOf(part.thinking ?? part.summary)).join('');
  if (thoughts !== '') message.reasoning ??= thoughts;
}

/** Reads what is common to a message and a delta of one. @returns whether it is one. */
function readMessage(value: unknown): boolean {
  if (!isObject(value)) return false;
  joinParts(value);
  return isTextOrNothing(value.content) && isTextOrNothing(value.refusal) && areToolCallsOrNothing(value.tool_calls);
}

function isDeeper(value: unknown, levels: number): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return levels === 0 || Object.values(value).some((inner) => isDeeper(inner, levels - 1));
}

function parse(json: string): Loose {
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch {
    throw badResponse('not JSON');
  }
  if (!isObject(value)) throw badResponse('not a JSON object');
  // Each level takes two characters: most pieces of a stream are too short to be looked through.
  if (json.length > 2 * MAX_DEPTH && isDeeper(value, MAX_DEPTH)) throw badResponse('nested too deep');
  // Ours to say.
  if (value.degraded !== undefined) value.degraded = undefined;
  if (value.error !== undefined && value.error !== null) {
    throw modelErrors.raise.provider_error({ cause: new Error('an error object came in place of an answer') });
  }
  if (value.usage !== undefined) value.usage = readUsage(value.usage);
  return value;
}

/** How providers say, in the place of a reason to end, that an answer broke off. */
const BROKEN_OFF: readonly unknown[] = ['error', 'abort', 'insufficient_system_resource', 'network_error'];

/** @throws AppError `models.provider_error` when the answer broke off here. */
function checkEnd({ finish_reason: reason }: Loose): void {
  if (BROKEN_OFF.includes(reason))
    throw modelErrors.raise.provider_error({ cause: new Error(`it ended by ${reason}`) });
}

/** The list of choices. @throws AppError `models.bad_response` when there is none. */
function readChoices({ choices }: Loose): unknown[] {
  if (!Array.isArray(choices)) throw badResponse('no choices');
  return choices;
}

/**
 * Whether a piece without choices is one all the same: it leaves a place for them, says what it is, or what the answer cost.
 * Anything else may be an error in a provider's own words, and would be lost with the end of the stream that follows it.
 */
function isPieceWithoutChoices({ choices, object, usage }: Loose): boolean {
  if (choices === undefined) return object === 'chat.completion.chunk' || usage !== undefined;
  return choices === null;
}

/**
 * Reads one chunk of a stream. Fields unknown to us stay in it; choices that it leaves out are none.
 *
 * @throws AppError `models.bad_response`; `models.provider_error` when it is an error object.
 */
export function readChunk(json: string): ChatCompletionChunk {
  const chunk = parse(json);
  if (isPieceWithoutChoices(chunk)) chunk.choices = [];
  for (const choice of readChoices(chunk)) {
    if (!isObject(choice) || !isTextOrNothing(choice.finish_reason)) throw badResponse('a malformed choice');
    checkEnd(choice);
    choice.index ??= 0;
    choice.delta ??= {};
    if (!Number.isSafeInteger(choice.index) || !readMessage(choice.delta)) throw badResponse('a malformed choice');
  }
  return chunk as unknown as ChatCompletionChunk;
}

/** Gives a tool call an id when it has none, as turns do: it only has to be the same in the call and in its result. */
function completeToolCall(call: Loose): void {
  call.id ||= newCallId();
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
  const choices = readChoices(completion);
  if (choices.length === 0) throw badResponse('no choice');
  for (const [index, choice] of choices.entries()) {
    if (!isObject(choice) || !readMessage(choice.message)) throw badResponse('a malformed choice');
    checkEnd(choice);
    completeChoice(choice, index);
  }
  if (typeof completion.id !== 'string') completion.id = `chatcmpl-${newId()}`;
  if (!Number.isSafeInteger(completion.created)) completion.created = Math.floor(now.getTime() / 1000);
  completion.object = 'chat.completion';
  return completion as unknown as ChatCompletion;
}
