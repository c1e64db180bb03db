import { newId } from '../../base/ids.ts';
import type { Take } from '../../base/pump.ts';
import type { Clock } from '../../base/time.ts';
import { Accumulator } from './accumulator.ts';
import { newCallId } from './call-id.ts';
import type { ChatCompletion, ChatCompletionChunk } from './completion.ts';
import { modelErrors } from './errors.ts';
import type { Message } from './message-schema.ts';
import { type OfflineReply, type OfflineRole, replyOffline } from './reply-offline.ts';
import type { ModelCall, NamedRequest, Target } from './target.ts';

const SPACE = 0x20;

/** Without making a string of each: all of a conversation is counted in every turn. */
function countWords(text: string): number {
  let words = 0;
  let isInWord = false;
  for (let index = 0; index < text.length; index++) {
    const isVisible = text.charCodeAt(index) > SPACE;
    if (isVisible && !isInWord) words++;
    isInWord = isVisible;
  }
  return words;
}

function wordsOf(message: Message): number {
  if (typeof message.content === 'string') return countWords(message.content);
  return (message.content ?? []).reduce((words, part) => words + countWords(part.text ?? ''), 0);
}

/** Up to eight words with the space before them: what is to be read at a glance, and few enough that a crowd costs little. */
const PIECES = /(?:\s*\S+){1,8}\s*?(?=\s|$)|\s+$/g;

/** As much of a text as has so many words, of which it has more. */
function firstWords(text: string, words: number): string {
  const next = [...text.matchAll(/[!-\uffff]+/g)][words];
  return text.slice(0, next?.index).trimEnd();
}

/** The pieces of the answer, which joined are the text, or the tool call; as far as the bound lets it come. */
function writeReply(reply: OfflineReply, maxWords: number): { deltas: object[]; words: number; finishReason: string } {
  if ('text' in reply) {
    const all = countWords(reply.text);
    const isWhole = reply.isVital || all <= maxWords;
    const text = isWhole ? reply.text : firstWords(reply.text, maxWords);
    const deltas = (text.match(PIECES) ?? []).map((content) => ({ content }));
    return { deltas, words: isWhole ? all : maxWords, finishReason: isWhole ? 'stop' : 'length' };
  }
  const call = { index: 0, id: newCallId(), type: 'function' };
  const deltas = [
    { tool_calls: [{ ...call, function: { name: reply.tool, arguments: '' } }] },
    { tool_calls: [{ index: 0, function: { arguments: JSON.stringify(reply.input) } }] },
  ].slice(0, maxWords);
  return { deltas, words: deltas.length, finishReason: maxWords < 2 ? 'length' : 'tool_calls' };
}

const NO_JSON =
  'The built-in offline model does not write JSON. Leave out `response_format`, or ask a language model: GET /v1/models lists ' +
  "what there is, and the server's operator adds one by MODEL_BASE_URL.";

/**
 * Answers by rules alone: it has the tools called that a plain command asks for, tells what they came to, and says what
 * it is to everything else. Its choices, where several are asked for, are the same. Its usage and the bounds of an answer
 * count words of text, for want of tokens. It refuses to answer in JSON, which its text is not; but not who is in a crisis.
 */
export class OfflineModel implements Target {
  readonly #clock: Clock;
  readonly #role: OfflineRole;

  constructor(clock: Clock, role: OfflineRole) {
    this.#clock = clock;
    this.#role = role;
  }

  async complete(request: NamedRequest, call: ModelCall): Promise<ChatCompletion> {
    const answer = new Accumulator();
    await this.stream(request, call, (chunk) => void answer.add(chunk));
    return { ...answer.toCompletion(), ...(this.#role === 'stand-in' && { degraded: true }) };
  }

  async stream(
    request: NamedRequest,
    { deadline, commands }: ModelCall,
    take: Take<ChatCompletionChunk>,
  ): Promise<void> {
    const now = this.#clock.now();
    const head = {
      id: `chatcmpl-${newId()}`,
      object: 'chat.completion.chunk',
      created: Math.floor(now.getTime() / 1000),
      model: request.model,
      ...(this.#role === 'stand-in' && { degraded: true as const }),
    } as const;
    const { n, max_tokens: maxTokens, max_completion_tokens: maxCompletionTokens } = request;
    const indexes = Array.from({ length: n ?? 1 }, (_, index) => index);
    const toChunk = (delta: object, finishReason: string | null = null) => ({
      ...head,
      choices: indexes.map((index) => ({ index, delta, logprobs: null, finish_reason: finishReason })),
    });

    deadline.throwIfEnded();
    const reply = replyOffline(request, { commands, now, role: this.#role });
    if (!('isVital' in reply) && (request.response_format?.type ?? 'text') !== 'text') {
      throw modelErrors.raise.invalid_request({ reason: NO_JSON }, { param: 'response_format' });
    }
    const maxWords = Math.min(maxTokens ?? Infinity, maxCompletionTokens ?? Infinity);
    const { deltas, words, finishReason } = writeReply(reply, maxWords);
    await take(toChunk({ role: 'assistant', content: 'text' in reply ? '' : null, refusal: null }));
    for (const delta of deltas) {
      deadline.throwIfEnded();
      await take(toChunk(delta));
    }
    await take(toChunk({}, finishReason));

    const promptWords = request.messages.reduce((words, message) => words + wordsOf(message), 0);
    const answerWords = words * indexes.length;
    const usage = {
      prompt_tokens: promptWords,
      completion_tokens: answerWords,
      total_tokens: promptWords + answerWords,
    };
    await take({ ...head, choices: [], usage });
  }

  async close(): Promise<void> {}
}
