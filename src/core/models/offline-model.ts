import { newId } from '../../base/ids.ts';
import type { Take } from '../../base/pump.ts';
import type { Clock } from '../../base/time.ts';
import { Accumulator } from './accumulator.ts';
import type { ChatCompletion, ChatCompletionChunk } from './completion.ts';
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

/** The pieces of the answer, which joined are the text; or the tool call. */
function toDeltas(reply: OfflineReply): object[] {
  if ('text' in reply) return (reply.text.match(PIECES) ?? []).map((content) => ({ content }));
  const call = { index: 0, id: `call_${newId()}`, type: 'function' };
  return [
    { tool_calls: [{ ...call, function: { name: reply.tool, arguments: '' } }] },
    { tool_calls: [{ index: 0, function: { arguments: JSON.stringify(reply.input) } }] },
  ];
}

/**
 * Answers by rules alone: it has the tools called that a plain command asks for, tells what they came to, and says what
 * it is to everything else. It answers in one choice, whatever formats were asked for. Its usage counts words of text,
 * for want of tokens.
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
    const choice = (delta: object, finishReason: string | null = null) => ({
      ...head,
      choices: [{ index: 0, delta, logprobs: null, finish_reason: finishReason }],
    });

    deadline.throwIfEnded();
    const reply = replyOffline(request, { commands, now, role: this.#role });
    const deltas = toDeltas(reply);
    await take(choice({ role: 'assistant', content: 'text' in reply ? '' : null, refusal: null }));
    for (const delta of deltas) {
      deadline.throwIfEnded();
      await take(choice(delta));
    }
    await take(choice({}, 'text' in reply ? 'stop' : 'tool_calls'));

    const promptWords = request.messages.reduce((words, message) => words + wordsOf(message), 0);
    const answerWords = 'text' in reply ? countWords(reply.text) : deltas.length;
    const usage = {
      prompt_tokens: promptWords,
      completion_tokens: answerWords,
      total_tokens: promptWords + answerWords,
    };
    await take({ ...head, choices: [], usage });
  }

  async close(): Promise<void> {}
}
