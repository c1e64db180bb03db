import type { AppError } from '../../base/errors.ts';
import type { ChatCompletion, ChatCompletionChunk } from './completion.ts';
import { modelErrors } from './errors.ts';

type Loose = Record<string, unknown>;

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

function isListOfObjectsOrNothing(value: unknown): boolean {
  return value === undefined || value === null || (Array.isArray(value) && value.every(isObject));
}

function isCount(value: unknown): boolean {
  return Number.isSafeInteger(value) && (value as number) >= 0;
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
    isListOfObjectsOrNothing(value.tool_calls)
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

/**
 * Reads an answer that was not streamed. Fields unknown to us stay in it.
 *
 * @throws AppError `models.bad_response`; `models.provider_error` when it is an error object.
 */
export function readCompletion(json: string): ChatCompletion {
  const completion = parse(json);
  const choices = completion.choices as unknown[];
  if (choices.length === 0) throw badResponse('no choice');
  for (const choice of choices) {
    if (!isObject(choice) || !isAnswer(choice.message)) throw badResponse('a malformed choice');
  }
  return completion as unknown as ChatCompletion;
}
