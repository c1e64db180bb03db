/** What the provider stub was asked, as far as it looks at it. */
export interface StubRequestBody {
  readonly model?: string;
  readonly stream?: boolean;
  readonly messages?: readonly { readonly role?: string; readonly content?: unknown }[];
  readonly tools?: readonly { readonly function?: { readonly name?: string } }[];
  readonly stream_options?: { readonly include_usage?: boolean } | null;
  readonly n?: number;
}

/** Ends every stream. */
export const DONE = 'data: [DONE]\n\n';

/** A call of a tool that the stub makes. */
export interface StubCall {
  readonly name: string;
  /** As the model writes them: JSON, or what it takes for it. */
  readonly arguments: string;
  /** Numbered when absent. */
  readonly id?: string;
  /** What the provider wants back with the call. */
  readonly extra_content?: object;
}

/** What the stub says to one request: text, then calls of tools. */
export interface StubSpeech {
  readonly text: string;
  readonly calls: readonly StubCall[];
}

const ARGUMENTS = '{"title":"buy milk"}';

/** One event of a stream. */
export function toEvent(value: unknown): string {
  return `data: ${JSON.stringify(value)}\n\n`;
}

/** Words with the space before them: joined, they are the text. */
function toPieces(text: string): string[] {
  return text.split(/(?= )/);
}

/** The call of the tool-call mode: of the first tool, when there is one and its result is not there yet. */
export function callFirstTool(body: StubRequestBody): StubCall[] {
  const isDue = (body.tools?.length ?? 0) > 0 && body.messages?.at(-1)?.role !== 'tool';
  return isDue ? [{ name: body.tools?.[0]?.function?.name ?? 'tool', arguments: ARGUMENTS }] : [];
}

/** What an answer costs: a token a word, and 7 for the prompt. */
function usageOf(text: string) {
  const words = toPieces(text).length;
  return { prompt_tokens: 7, completion_tokens: words, total_tokens: 7 + words };
}

/** The answers to one request, in the shapes of OpenAI's API. */
export class StubAnswer {
  readonly #body: StubRequestBody;
  readonly #text: string;
  readonly #calls: readonly StubCall[];

  constructor(body: StubRequestBody, { text, calls }: StubSpeech) {
    this.#body = body;
    this.#text = text;
    this.#calls = calls;
  }

  /** Of a snapshot, as providers answer who were asked for an alias. */
  get #model(): string {
    return `${this.#body.model ?? 'stub'}-2026-01-01`;
  }

  #chunk(rest: object): string {
    const head = { id: 'chatcmpl-stub', object: 'chat.completion.chunk', created: 1_700_000_000, model: this.#model };
    return toEvent({ ...head, ...rest });
  }

  #choice(delta: object, finishReason: string | null = null, index = 0): string {
    return this.#chunk({ choices: [{ index, delta, logprobs: null, finish_reason: finishReason }] });
  }

  #toolCallEvents(): string[] {
    const events = [this.#choice({ role: 'assistant', content: null })];
    for (const content of this.#text === '' ? [] : toPieces(this.#text)) events.push(this.#choice({ content }));
    for (const [index, { name, arguments: input, id = `call_stub_${index + 1}`, ...extra }] of this.#calls.entries()) {
      const call = (rest: object) => this.#choice({ tool_calls: [{ index, ...rest }] });
      events.push(call({ id, type: 'function', function: { name, arguments: '' }, ...extra }));
      for (const piece of input.match(/.{1,8}/gsu) ?? []) events.push(call({ function: { arguments: piece } }));
    }
    return [...events, this.#choice({}, 'tool_calls')];
  }

  /** The events of a good stream, without `[DONE]`. */
  events(): string[] {
    const events = this.#calls.length > 0 ? this.#toolCallEvents() : [];
    if (events.length === 0) {
      const pieces = toPieces(this.#text);
      for (let index = 0; index < (this.#body.n ?? 1); index += 1) {
        events.push(this.#choice({ role: 'assistant', content: '' }, null, index));
        for (const content of pieces) events.push(this.#choice({ content }, null, index));
        events.push(this.#choice({}, 'stop', index));
      }
    }
    if (this.#body.stream_options?.include_usage) {
      events.push(this.#chunk({ choices: [], usage: usageOf(this.#text) }));
    }
    return events;
  }

  /** A good answer that is not streamed. */
  completion(): string {
    const tool_calls = this.#calls.map(({ id, name, arguments: input, ...extra }, index) => ({
      id: id ?? `call_stub_${index + 1}`,
      type: 'function',
      function: { name, arguments: input },
      ...extra,
    }));
    const callsTools = tool_calls.length > 0;
    const message = callsTools
      ? { role: 'assistant', content: this.#text === '' ? null : this.#text, tool_calls }
      : { role: 'assistant', content: this.#text, refusal: null };
    const finishReason = callsTools ? 'tool_calls' : 'stop';
    const choices = Array.from({ length: this.#body.n ?? 1 }, (_, index) => ({
      index,
      message,
      logprobs: null,
      finish_reason: finishReason,
    }));
    return JSON.stringify({
      id: 'chatcmpl-stub',
      object: 'chat.completion',
      created: 1_700_000_000,
      model: this.#model,
      choices,
      usage: usageOf(this.#text),
    });
  }
}
