import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http';
import { text as readText } from 'node:stream/consumers';
import { parseArgs } from 'node:util';
import { listen } from '../harness/listen.ts';

import { callFirstTool, StubAnswer, type StubRequestBody, type StubSpeech } from './provider-answers.ts';
import { isStubMode, modes, type StubExchange, type StubMode } from './provider-modes.ts';

export type { StubMode } from './provider-modes.ts';

/** How the stub answers; all but the port can be changed by `setMode` while it runs. */
export interface StubProviderOptions {
  /** 0, the default, takes a free one. */
  readonly port?: number;
  readonly mode?: StubMode;
  /** What the model says; streamed word by word. */
  readonly text?: string;
  /** Between two chunks. */
  readonly delayMs?: number;
  readonly retryAfter?: string;
  readonly errorMessage?: string;
  /** What the model says to each request, in place of `text`. */
  readonly script?: (body: StubRequestBody) => Partial<StubSpeech>;
}

/** A request for a completion that the stub has seen. */
export interface SeenRequest {
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: StubRequestBody & Record<string, unknown>;
}

/** A provider of models that does what it is told, over real HTTP. */
export interface StubProvider {
  /** The base URL, up to and with `/v1`. */
  readonly url: string;
  /** The last thousand requests. */
  readonly requests: readonly SeenRequest[];
  /** All requests so far. */
  readonly requestCount: number;
  /** Those of the last thousand whose client left before the answer's end. */
  readonly aborts: readonly SeenRequest[];
  /** Connections taken so far. */
  readonly connectionCount: number;
  setMode(mode: StubMode, options?: Omit<StubProviderOptions, 'port' | 'mode'>): void;
  close(): Promise<void>;
}

const KEPT_REQUESTS = 1_000;

const DEFAULTS = {
  mode: 'ok' as StubMode,
  text: 'Hello, I am a stub. Grüße, 你好, 👋🏽!',
  delayMs: 0,
  retryAfter: '1',
  errorMessage: 'The stub was told to refuse this.',
};

function keep<Item>(list: Item[], item: Item): void {
  list.push(item);
  if (list.length > KEPT_REQUESTS) list.shift();
}

/** A model named `stub:<mode>` chooses the mode for its request. */
function modeOf(model: string | undefined, otherwise: StubMode): StubMode {
  const word = model?.startsWith('stub:') ? model.slice('stub:'.length) : otherwise;
  return isStubMode(word) ? word : otherwise;
}

function listModels(response: ServerResponse): void {
  const data = Object.keys(modes).map((mode) => ({
    id: `stub:${mode}`,
    object: 'model',
    created: 0,
    owned_by: 'stub',
  }));
  response.writeHead(200, { 'content-type': 'application/json' });
  response.end(JSON.stringify({ object: 'list', data }));
}

/** Starts a stub of an OpenAI-compatible provider on 127.0.0.1. */
export async function startStubProvider(options: StubProviderOptions = {}): Promise<StubProvider> {
  const requests: SeenRequest[] = [];
  const aborts: SeenRequest[] = [];
  let current: typeof DEFAULTS & StubProviderOptions = { ...DEFAULTS, ...options };
  let connectionCount = 0;
  let requestCount = 0;

  async function complete(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { mode: usual, text, script, ...rest } = current;
    const body = JSON.parse(await readText(request)) as SeenRequest['body'];
    const seen = { path: request.url ?? '', headers: request.headers, body };
    keep(requests, seen);
    requestCount += 1;
    response.on('close', () => {
      // A reset of the stub's own looks the same from here.
      if (!response.writableFinished && !resets.has(response)) keep(aborts, seen);
    });
    const mode = modeOf(body.model, usual);
    if (mode === 'reset-mid-stream') resets.add(response);
    // These modes say nothing beside their call.
    const calls = mode === 'tool-call' || mode === 'sparse' ? callFirstTool(body) : [];
    const speech = calls.length > 0 ? { text: '', calls } : { text, calls, ...script?.(body) };
    const answer = new StubAnswer(body, speech);
    const exchange: StubExchange = { ...rest, response, answer, isStream: body.stream === true };
    await modes[mode](exchange);
  }

  const resets = new WeakSet<ServerResponse>();
  const server = createServer((request, response) => {
    if (request.method === 'GET' && request.url === '/v1/models') listModels(response);
    else if (request.method === 'POST' && request.url?.startsWith('/v1/chat/completions')) {
      complete(request, response).catch(() => response.destroy());
    } else response.writeHead(404).end();
  });
  server.on('connection', () => {
    connectionCount += 1;
  });
  const port = await listen(server, current.port);

  return {
    url: `http://127.0.0.1:${port}/v1`,
    requests,
    aborts,
    get requestCount() {
      return requestCount;
    },
    get connectionCount() {
      return connectionCount;
    },
    setMode(mode, changes = {}) {
      current = { ...current, ...changes, mode };
    },
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

if (import.meta.main) {
  const { values } = parseArgs({
    options: {
      port: { type: 'string', default: '0' },
      mode: { type: 'string', default: 'ok' },
      text: { type: 'string', default: DEFAULTS.text },
      'delay-ms': { type: 'string', default: '0' },
    },
  });
  if (!isStubMode(values.mode)) throw new Error(`--mode is one of ${Object.keys(modes).join(', ')}`);
  const provider = await startStubProvider({
    port: Number(values.port),
    mode: values.mode,
    text: values.text,
    delayMs: Number(values['delay-ms']),
  });
  process.stdout.write(
    `${provider.url}\nA model named stub:<mode> chooses the mode: ${Object.keys(modes).join(', ')}\n`,
  );
}
