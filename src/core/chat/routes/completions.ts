import type { FastifyReply, FastifyRequest } from 'fastify';
import { type Static, Type } from 'typebox';
import { Cancelled, Deadline } from '../../../base/deadline.ts';
import { awaitAnswer, type EventStream, type HttpServer, openEventStream } from '../../../platform/http/index.ts';
import { type Claim, claimKey, markReplay } from '../../accounts/index.ts';
import {
  ChatCompletionChunkSchema,
  ChatCompletionSchema,
  type CompletionRequest,
  CompletionRequestSchema,
  ModelInfoSchema,
} from '../../models/index.ts';
import { type Asking, answerOnce } from '../answer-once.ts';
import { meterModels } from '../meter-models.ts';
import type { StreamReader } from '../shared-stream.ts';
import type { ChatRouteOptions } from './options.ts';
import { RunningStreams } from './running-streams.ts';

const tags = ['OpenAI-compatible'];

/**
 * How long the first chunk may take before the stream is opened without it, in milliseconds. A provider that refuses at
 * once gets its own HTTP status this way; a slow one does not leave the client without a byte.
 */
const FIRST_CHUNK_WAIT_MS = 1_000;

/** How long after its budget a request may still settle its Idempotency-Key, in milliseconds. */
const SETTLE_MARGIN_MS = 15_000;

/**
 * Streams an answer in OpenAI's form. What goes wrong once the stream is open is sent as its last event. The client's leaving
 * is the reader's.
 */
async function streamCompletion(
  request: FastifyRequest<{ Body: CompletionRequest }>,
  reply: FastifyReply,
  { reader: { read, leave }, budgetMs, isReplay }: { reader: StreamReader; budgetMs: number; isReplay: boolean },
): Promise<FastifyReply> {
  const withUsage = request.body.stream_options?.include_usage === true;
  let stream: EventStream | undefined;
  const open = (): EventStream => {
    if (stream !== undefined) return stream;
    // Not of an error before that: it is no answer of an earlier request.
    if (isReplay) markReplay(reply);
    stream = openEventStream(request, reply, { budgetMs });
    stream.closed.addEventListener('abort', leave);
    return stream;
  };
  const timer = setTimeout(open, FIRST_CHUNK_WAIT_MS);
  const { deadline } = request.context;
  deadline.onEnded(() => {
    // It may be answered by the time at which the stream would be opened.
    clearTimeout(timer);
    leave();
  });
  try {
    deadline.throwIfEnded();
    await read((chunk) => {
      const opened = open();
      return chunk.choices.length > 0 || withUsage ? opened.send({ data: chunk }) : undefined;
    });
    open().end();
  } catch (error) {
    if (stream === undefined) throw error;
    stream.fail(error);
  } finally {
    clearTimeout(timer);
    leave();
  }
  return reply;
}

/** The answer to one request alone, whose client's leaving ends the request to the provider. */
function openReader(
  { body, context }: FastifyRequest<{ Body: CompletionRequest }>,
  { models, budgetMs }: { models: Asking; budgetMs: number },
): StreamReader & { deadline: Deadline } {
  const deadline = Deadline.after(budgetMs);
  return {
    deadline,
    read: (take) => models.stream(body, { deadline, timings: context.timings, trace: context.trace }, take),
    leave: () => deadline.cancel(new Cancelled('the client left')),
  };
}

function registerCompletions(server: HttpServer, options: ChatRouteOptions): void {
  const { database, modelBudgetMs: budgetMs } = options;
  const running = new RunningStreams();
  server.post(
    '/v1/chat/completions',
    {
      config: { access: 'chat:write', budgetMs, streams: ChatCompletionChunkSchema },
      schema: {
        tags,
        operationId: 'createCompletion',
        summary: 'Ask a model directly',
        description:
          "OpenAI's chat completions, streaming and not, with tools passed through. Nothing is stored, except for a day " +
          'the answer to a request with an Idempotency-Key: the same request again gets it again, and does not ask the ' +
          'model; while it is streamed, the same server gives it from the beginning. A client that leaves ends the ' +
          'request to the provider; the prompt that was sent counts.',
        body: {
          ...CompletionRequestSchema,
          examples: [{ model: 'offline', messages: [{ role: 'user', content: 'Hello!' }] }],
        },
        response: { 200: ChatCompletionSchema },
      },
    },
    async (request, reply) => {
      let claim: Claim | undefined;
      try {
        const takeOverAfterMs = budgetMs + SETTLE_MARGIN_MS;
        claim = await running.claim(request, () => claimKey(request, reply, { database, takeOverAfterMs }));
      } catch (error) {
        const reader = running.join(request, error);
        return await streamCompletion(request, reply, { reader, budgetMs, isReplay: true });
      }
      const metered = meterModels(options.models, request.caller, options);
      const models = claim === undefined ? metered : answerOnce(metered, claim);
      if (request.body.stream !== true)
        return await awaitAnswer(request, () => models.complete(request.body, request.context));
      const alone = openReader(request, { models, budgetMs });
      const reader = claim === undefined ? alone : running.share(request, alone);
      return await streamCompletion(request, reply, { reader, budgetMs, isReplay: false });
    },
  );
}

/** The address of a model. */
const ModelPath = Type.Object(
  { model: Type.String({ minLength: 1, maxLength: 200, description: 'The name of the model.' }) },
  { additionalProperties: false },
);

function registerModels(server: HttpServer, { models }: ChatRouteOptions): void {
  server.get(
    '/v1/models',
    {
      config: { access: 'chat:read' },
      schema: {
        tags,
        operationId: 'listModels',
        summary: 'List the models that you can ask for',
        response: {
          200: Type.Object({ object: Type.Literal('list'), data: Type.Array(ModelInfoSchema) }, { title: 'ModelList' }),
        },
      },
    },
    async () => ({ object: 'list' as const, data: [...models.list()] }),
  );

  server.get(
    '/v1/models/:model',
    {
      config: { access: 'chat:read' },
      schema: {
        tags,
        operationId: 'readModel',
        summary: 'Read about one model',
        params: ModelPath,
        response: { 200: ModelInfoSchema },
      },
    },
    async (request) => models.get(request.params.model),
  );

  // Names have slashes (`meta-llama/Llama-3.3`), and not every client encodes them.
  server.get<{ Params: Static<typeof ModelPath> }>(
    '/v1/models/*',
    {
      config: { access: 'chat:read' },
      schema: { hide: true, params: ModelPath, response: { 200: ModelInfoSchema } },
      preValidation: async (request) => {
        request.params = { model: (request.params as unknown as { '*': string })['*'] };
      },
    },
    async (request) => models.get(request.params.model),
  );
}

/** Registers the OpenAI-compatible routes. */
export function registerCompletionRoutes(server: HttpServer, options: ChatRouteOptions): void {
  server.describeTag('OpenAI-compatible', "What OpenAI's clients ask, answered as they expect it.");
  registerCompletions(server, options);
  registerModels(server, options);
}
