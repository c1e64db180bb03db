import type { ChatCompletionChunk } from './completion.ts';
import type { Message } from './message-schema.ts';
import type { CompletionRequest } from './schemas.ts';

/** What a token is worth in most texts, in characters. */
export const CHARS_PER_TOKEN = 4;

/**
 * What a picture or a recording is worth, in tokens. Providers count what it shows or how long it lasts, mostly some hundred
 * to two thousand; by its length as text, a picture of a megabyte would use up a third of a small plan's month.
 */
const MEDIUM_TOKENS = 1_000;

/** About how many tokens a text, or what is sent as JSON, comes to. */
export function estimateTokens(content: unknown): number {
  return Math.ceil(JSON.stringify(content).length / CHARS_PER_TOKEN);
}

/** The pictures and recordings of a message, as text: their bytes, or where they are. */
function mediaOf({ content, audio, images }: Message): string[] {
  const parts = Array.isArray(content) ? content : [];
  const sent = parts.map(({ image_url: picture, input_audio: recording }) => picture?.url ?? recording?.data);
  // Of an answer that is sent back. Providers call the address of a picture this, too.
  const drawn = (images ?? []).map(({ image_url: picture }) => (picture as { url?: unknown } | undefined)?.url);
  return [...sent, audio?.data, ...drawn].filter((text) => typeof text === 'string');
}

/** About how many tokens the prompt of a request comes to: its messages, and what else of it a model reads. */
export function estimatePrompt(request: CompletionRequest): number {
  const { messages, tools, functions, response_format, prediction } = request;
  const media = messages.flatMap(mediaOf);
  const mediaChars = media.reduce((chars, text) => chars + text.length, 0);
  const text = { messages, tools, functions, response_format, prediction };
  return estimateTokens(text) - Math.floor(mediaChars / CHARS_PER_TOKEN) + media.length * MEDIUM_TOKENS;
}

/**
 * About how many tokens a stream has come to. Most providers send about a token a piece, which in some languages is a
 * character or two; some send many tokens in one. So neither number alone will do, and both are taken over the whole: a
 * piece of five characters is not two tokens.
 */
export function estimateStreamed({ pieces, chars }: { pieces: number; chars: number }): number {
  return Math.max(pieces, Math.ceil(chars / CHARS_PER_TOKEN));
}

function lengthOf(value: unknown): number {
  return typeof value === 'string' ? value.length : 0;
}

/** How much a model has written in a piece of a stream, in characters: text, refusal, reasoning, and what it gives to tools. */
export function countChars({ choices }: ChatCompletionChunk): number {
  let chars = 0;
  for (const { delta } of choices) {
    const { reasoning, reasoning_content: otherwise } = delta as Record<string, unknown>;
    // Providers have two names for it; some say it under both.
    chars += lengthOf(delta.content) + lengthOf(delta.refusal) + Math.max(lengthOf(reasoning), lengthOf(otherwise));
    for (const { function: called, custom } of delta.tool_calls ?? []) {
      chars += lengthOf(called?.arguments) + lengthOf(custom?.input);
    }
  }
  return chars;
}
