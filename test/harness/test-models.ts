import { afterEach } from 'vitest';
import { Deadline } from '../../src/base/deadline.ts';
import type { ChatCompletion, ChatCompletionChunk } from '../../src/core/models/completion.ts';
import {
  createModels,
  type Models,
  type ModelsOptions,
  type TargetDefinition,
} from '../../src/core/models/create-models.ts';
import type { CompletionRequest } from '../../src/core/models/schemas.ts';
import type { ModelCall } from '../../src/core/models/target.ts';
import { createLogger } from '../../src/platform/log/index.ts';
import { type StubProvider, type StubProviderOptions, startStubProvider } from '../stubs/provider.ts';

/** A key that must turn up nowhere but in the provider's Authorization header. */
export const CANARY_KEY = 'sk-canary-5f0c9a1d7b';

/** Longer than any good exchange on one machine takes, so that only a test's own bound is ever passed. */
const AMPLE_MS = 20_000;

const open: (() => Promise<void>)[] = [];

/** Closes what the test began; call once in each test file. */
export function closeAfterEach(): void {
  afterEach(async () => {
    for (const close of open.splice(0)) await close();
  });
}

/** The gateway with its bounds so wide that none is passed, and what it logged. */
export function createTestModels(
  target: Partial<TargetDefinition> & { baseUrl: string },
  options: Partial<ModelsOptions> = {},
): { models: Models; lines: string[] } {
  const definition = testTarget(target);
  return openTestModels({ models: [{ name: definition.model, targets: [definition] }], ...options });
}

/** A target with its bounds so wide that none is passed, and nothing tried again. */
export function testTarget(target: Partial<TargetDefinition> & { baseUrl: string }): TargetDefinition {
  return {
    name: 'test',
    apiKey: CANARY_KEY,
    model: 'stub',
    connectTimeoutMs: AMPLE_MS,
    firstByteTimeoutMs: AMPLE_MS,
    chunkTimeoutMs: AMPLE_MS,
    totalTimeoutMs: AMPLE_MS,
    retries: 0,
    allowPrivate: true,
    ...target,
  };
}

/** The gateway with these models, and what it logged; closed after the test. */
export function openTestModels(options: Omit<ModelsOptions, 'log'>): { models: Models; lines: string[] } {
  const lines: string[] = [];
  const log = createLogger({ level: 'trace', destination: { write: (line) => lines.push(line) } });
  const models = createModels({ ...options, log });
  open.push(() => models.close());
  return { models, lines };
}

/** A stub provider that is closed after the test. */
export async function startProvider(stub: StubProviderOptions = {}): Promise<StubProvider> {
  const provider = await startStubProvider(stub);
  open.push(() => provider.close());
  return provider;
}

/** A stub provider and the gateway in front of it. */
export async function startModels(
  stub: StubProviderOptions = {},
  target: Partial<TargetDefinition> = {},
  options: Partial<ModelsOptions> = {},
): Promise<{ provider: StubProvider; models: Models; lines: string[] }> {
  const provider = await startProvider(stub);
  return { provider, ...createTestModels({ baseUrl: provider.url, ...target }, options) };
}

/** A request that says hello. */
export function hello(fields: Partial<CompletionRequest> = {}): CompletionRequest {
  return { messages: [{ role: 'user', content: 'Hello' }], ...fields };
}

/** An ample deadline. */
export function ample(): Deadline {
  return Deadline.after(AMPLE_MS);
}

/** What a stream gave before it ended, and what it ended with. */
export interface Drained {
  readonly chunks: ChatCompletionChunk[];
  readonly text: string;
  readonly error: unknown;
}

/** Reads a stream to its end, good or bad. */
export async function drainStream(models: Models, request: CompletionRequest, call: ModelCall): Promise<Drained> {
  const stream = await beginStream(models, request, call);
  return await stream.goOn();
}

/** A stream whose first chunk was taken: the reader is busy with it. */
export interface BegunStream {
  /** Takes the rest. */
  goOn(): Promise<Drained>;
}

/** Reads a stream until its first chunk, or until it has ended without one. */
export async function beginStream(models: Models, request: CompletionRequest, call: ModelCall): Promise<BegunStream> {
  const chunks: ChatCompletionChunk[] = [];
  const begun = Promise.withResolvers<void>();
  const goesOn = Promise.withResolvers<void>();
  const ended = models
    .stream(request, call, (chunk) => {
      chunks.push(chunk);
      begun.resolve();
      return goesOn.promise;
    })
    .then(
      () => undefined,
      (error: unknown) => error,
    );
  await Promise.race([begun.promise, ended]);
  return {
    async goOn() {
      goesOn.resolve();
      const error = await ended;
      return { chunks, text: chunks.map((chunk) => chunk.choices[0]?.delta.content ?? '').join(''), error };
    },
  };
}

/** What asking for a whole answer came to, in the same form as a stream. */
export async function settle(completion: Promise<ChatCompletion>): Promise<{ text: string; error: unknown }> {
  try {
    return { text: (await completion).choices[0]?.message.content ?? '', error: undefined };
  } catch (error) {
    return { text: '', error };
  }
}
