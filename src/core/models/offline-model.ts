import { setImmediate } from 'node:timers/promises';

import { newId } from '../../base/ids.ts';
import type { Clock } from '../../base/time.ts';
import { Accumulator } from './accumulator.ts';
import type { ChatCompletion, ChatCompletionChunk } from './completion.ts';
import type { Message } from './message-schema.ts';
import type { ModelCall, NamedRequest, Target } from './target.ts';

const ANSWER =
  "This is Evenkeel's built-in offline model. It is not a language model: no model is configured, so it always gives " +
  'this answer and has not read your message. To get real answers, set MODEL_BASE_URL (the address of an ' +
  'OpenAI-compatible API), MODEL_API_KEY and MODEL_NAME, and start the server again.';

/** Words with the space before them: joined, they are the answer. */
const PIECES = ANSWER.split(/(?= )/);

function countWords(text: string): number {
  return text.match(/\S+/g)?.length ?? 0;
}

function wordsOf(message: Message): number {
  if (typeof message.content === 'string') return countWords(message.content);
  return (message.content ?? []).reduce((words, part) => words + countWords(part.text ?? ''), 0);
}

/**
 * Answers when no model is configured, and says so. It always says the same, in one choice, whatever tools or
 * formats were asked for. Its usage counts words of text, for want of tokens.
 */
export class OfflineModel implements Target {
  readonly #clock: Clock;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  async complete(request: NamedRequest, call: ModelCall): Promise<ChatCompletion> {
    const answer = new Accumulator();
    for await (const chunk of this.stream(request, call)) answer.add(chunk);
    return answer.toCompletion();
  }

  async *stream(request: NamedRequest, { deadline }: ModelCall): AsyncGenerator<ChatCompletionChunk> {
    const head = {
      id: `chatcmpl-${newId()}`,
      object: 'chat.completion.chunk',
      created: Math.floor(this.#clock.now().getTime() / 1000),
      model: request.model,
    } as const;
    const choice = (delta: object, finishReason: string | null = null) => ({
      ...head,
      choices: [{ index: 0, delta, logprobs: null, finish_reason: finishReason }],
    });

    deadline.throwIfEnded();
    yield choice({ role: 'assistant', content: '', refusal: null });
    for (const content of PIECES) {
      // Lets the deadline's end and the client's leaving be seen between two words.
      await setImmediate();
      deadline.throwIfEnded();
      yield choice({ content });
    }
    yield choice({}, 'stop');

    const promptWords = request.messages.reduce((words, message) => words + wordsOf(message), 0);
    const usage = {
      prompt_tokens: promptWords,
      completion_tokens: PIECES.length,
      total_tokens: promptWords + PIECES.length,
    };
    yield { ...head, choices: [], usage };
  }

  async close(): Promise<void> {}
}
