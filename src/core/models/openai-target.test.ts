import { createServer as createHttpServer } from 'node:http';
import { createServer } from 'node:net';
import { text as readText } from 'node:stream/consumers';
import { describe, expect, it, onTestFinished } from 'vitest';
import { describeTarget } from '../../../test/contract/target.ts';
import { listen } from '../../../test/harness/listen.ts';
import {
  ample,
  beginStream,
  CANARY_KEY,
  closeAfterEach,
  createTestModels,
  drainStream,
  hello,
  settle,
  startModels,
  startProvider,
  testTarget,
} from '../../../test/harness/test-models.ts';
import { systemClock } from '../../base/time.ts';
import { Timings } from '../../base/timings.ts';
import { Accumulator } from './accumulator.ts';
import { OpenAiTarget } from './openai-target.ts';
import type { CompletionRequest } from './schemas.ts';

closeAfterEach();

describeTarget('a provider', {
  open: async () => new OpenAiTarget(testTarget({ baseUrl: (await startProvider()).url }), systemClock),
  model: 'its-name',
});
describeTarget('a provider, by way of the gateway', { open: async () => (await startModels()).models, model: 'stub' });

const TEXT = 'Grüße aus 北京 👋🏽, said\nthe "stub".';
const tools: CompletionRequest['tools'] = [{ type: 'function', function: { name: 'todo_add' } }];

describe('a model on an OpenAI-compatible provider', () => {
  it('is listed before the offline one', async () => {
    const { models } = await startModels({}, { model: 'gpt-x' });
    expect(models.list()).toEqual([
      { id: 'gpt-x', object: 'model', created: expect.any(Number), owned_by: 'provider' },
      { id: 'offline', object: 'model', created: expect.any(Number), owned_by: 'evenkeel' },
    ]);
  });

  it('is not found under another name, and nothing is sent', async () => {
    const { models, provider } = await startModels();
    const error = { code: 'models.not_found', status: 404, param: 'model' };
    await expect(models.complete(hello({ model: 'x' }), { deadline: ample() })).rejects.toMatchObject(error);
    const streamed = await drainStream(models, hello({ model: 'x' }), { deadline: ample() });
    expect(streamed.error).toMatchObject({
      ...error,
      message: expect.stringMatching(/^The model `x` does not exist.*GET \/v1\/models/),
    });
    expect(provider.requests).toEqual([]);
  });

  it('is not found under a key that was sent for its name, and the key is not repeated', async () => {
    const { models } = await startModels();
    for (const model of ['ek_canary', 'Bearer ek_canary']) {
      expect(() => models.get(model)).toThrow(
        expect.objectContaining({
          code: 'models.not_found',
          message: expect.stringMatching(/^This model does not exist.*GET \/v1\/models/),
        }),
      );
    }
  });

  it('is not asked what does not hold together', async () => {
    const { models, provider } = await startModels();
    const request = hello({ messages: [{ role: 'tool', content: 'x', tool_call_id: 'none' }] });
    const { error } = await drainStream(models, request, { deadline: ample() });
    expect(error).toMatchObject({ code: 'models.invalid_request', param: 'messages[0].tool_call_id' });
    expect(provider.requests).toEqual([]);
  });

  it('is timed until the whole answer, and a stream until its first chunk and from then on', async () => {
    const [whole, streamed] = [new Timings(), new Timings()];
    const { models } = await startModels();
    await models.complete(hello(), { deadline: ample(), timings: whole });
    await drainStream(models, hello(), { deadline: ample(), timings: streamed });
    expect([whole, streamed].map((timings) => Object.keys(timings.rounded()))).toEqual([
      ['model'],
      ['model', 'stream'],
    ]);
  });

  it('is asked for the usage of a stream though nobody asked for it', async () => {
    const { models, provider } = await startModels();
    const request = hello({ stream: true, stream_options: { include_usage: false, include_obfuscation: false } });
    await drainStream(models, request, { deadline: ample() });
    expect(provider.requests[0]?.body.stream_options).toEqual({ include_usage: true, include_obfuscation: false });
  });

  it.each(['ok', 'crlf', 'split-utf8', 'one-byte', 'no-done'] as const)(
    'gives byte-identical text in mode %s',
    async (mode) => {
      const { models } = await startModels({ mode, text: TEXT });
      const streamed = await drainStream(models, hello(), { deadline: ample() });
      const whole = await models.complete(hello(), { deadline: ample() });
      expect(streamed.error).toBeUndefined();
      expect(streamed.text).toBe(TEXT);
      expect(whole.choices[0]?.message.content).toBe(TEXT);
    },
  );

  it('passes tool calls on as they come', async () => {
    const { models } = await startModels({ mode: 'tool-call', text: 'Done.' });
    const { chunks } = await drainStream(models, hello({ tools }), { deadline: ample() });
    const whole = await models.complete(hello({ tools }), { deadline: ample() });
    const answer = new Accumulator();
    for (const chunk of chunks) answer.add(chunk);
    expect(chunks.filter((chunk) => chunk.choices[0]?.delta.tool_calls)).toHaveLength(4);
    expect(answer.toCompletion().choices[0]?.finish_reason).toBe('tool_calls');
    expect(answer.message.tool_calls).toEqual([
      { id: 'call_stub_1', type: 'function', function: { name: 'todo_add', arguments: '{"title":"buy milk"}' } },
    ]);
    expect(whole.choices[0]?.message.tool_calls).toEqual(answer.message.tool_calls);
  });

  it('takes the result of a tool and answers in text', async () => {
    const { models } = await startModels({ mode: 'tool-call', text: 'Done.' });
    const call = { id: 'call_stub_1', type: 'function' as const, function: { name: 'todo_add', arguments: '{}' } };
    const messages: CompletionRequest['messages'] = [
      { role: 'user', content: 'Buy milk' },
      { role: 'assistant', content: null, tool_calls: [call] },
      { role: 'tool', tool_call_id: call.id, content: 'ok' },
    ];
    expect((await drainStream(models, { messages, tools }, { deadline: ample() })).text).toBe('Done.');
  });

  it('ends a stream of several choices only after all of them', async () => {
    const { models } = await startModels({ mode: 'no-done', text: 'one two' });
    const { chunks, error } = await drainStream(models, hello({ n: 3 }), { deadline: ample() });
    expect(error).toBeUndefined();
    expect(chunks.filter((chunk) => chunk.choices[0]?.finish_reason)).toHaveLength(3);
  });

  it('gets the fields of the request with its own name, and our key and no other header of ours', async () => {
    const { models, provider } = await startModels({}, { model: 'gpt-x' });
    const request = hello({ model: 'gpt-x', temperature: 0.5, seed: 7, user: 'u', stop: ['a'], metadata: { a: 'b' } });
    await models.complete(request, { deadline: ample() });
    const { body, headers, path } = provider.requests[0] ?? {};
    expect(path).toBe('/v1/chat/completions');
    expect(body).toEqual({ ...request, stream: false });
    expect(headers?.authorization).toBe(`Bearer ${CANARY_KEY}`);
    expect(Object.keys(headers ?? {}).sort()).toEqual([
      'accept-encoding',
      'authorization',
      'connection',
      'content-length',
      'content-type',
      'host',
    ]);
    expect(headers?.['accept-encoding']).toBe('identity');
  });

  it('is reached below the path and with the query of its base URL', async () => {
    const { provider } = await startModels();
    const { models } = await startModels({}, { baseUrl: `${provider.url}/?api-version=1` });
    await models.complete(hello(), { deadline: ample() });
    expect(provider.requests[0]?.path).toBe('/v1/chat/completions?api-version=1');
  });

  it('keeps its connections from one stream to the next', async () => {
    const { models, provider } = await startModels({ delayMs: 1, text: 'one' });
    for (let turn = 0; turn < 20; turn += 1) await drainStream(models, hello(), { deadline: ample() });
    // Not one for each: two or three take turns, as a question may follow [DONE] before the body's end has gone by.
    expect(provider.connectionCount).toBeLessThan(10);
  });

  it.each(['http', 'https'])(
    'is connected to for each call at once over %s, also while no connection comes about',
    async (scheme) => {
      let connectionCount = 0;
      const server = createServer(() => connectionCount++);
      const port = await listen(server);
      onTestFinished(() => void server.close());
      const { models } = createTestModels({
        baseUrl: `${scheme}://127.0.0.1:${port}/v1`,
      });
      const deadline = ample();
      const calls = [1, 2, 3, 4].map(() => settle(models.complete(hello(), { deadline })));
      await expect.poll(() => connectionCount).toBe(4);
      deadline.cancel();
      await Promise.all(calls);
    },
  );

  it('is asked without stream_options where it knows none, and from then on', async () => {
    const asked: boolean[] = [];
    const server = createHttpServer(async (request, response) => {
      const knows = !('stream_options' in JSON.parse(await readText(request)));
      asked.push(!knows);
      // As Mistral says it.
      const detail = [{ loc: ['body', 'stream_options', 'include_usage'], msg: 'Extra inputs are not permitted' }];
      const chunk = { choices: [{ index: 0, delta: { content: TEXT }, finish_reason: 'stop' }] };
      if (knows) response.end(`data: ${JSON.stringify(chunk)}\n\ndata: [DONE]\n\n`);
      else response.writeHead(422).end(JSON.stringify({ object: 'error', message: { detail } }));
    });
    const port = await listen(server);
    onTestFinished(() => void server.close());
    const { models } = createTestModels({ baseUrl: `http://127.0.0.1:${port}/v1` });
    for (const wanted of [{}, { stream_options: { include_usage: true } }]) {
      const streamed = await drainStream(models, hello({ stream: true, ...wanted }), { deadline: ample() });
      expect(streamed).toMatchObject({ text: TEXT, error: undefined });
    }
    expect(asked).toEqual([true, false, false]);
  });

  it('may take longer than the time between chunks in all', async () => {
    const text = 'one two three four five six seven eight nine ten';
    const { models } = await startModels({ text, delayMs: 150 }, { chunkTimeoutMs: 1_000 });
    expect(await drainStream(models, hello(), { deadline: ample() })).toMatchObject({ text, error: undefined });
  });

  it('waits for a reader who takes longer than the time between chunks', async () => {
    const { models } = await startModels({ text: TEXT, delayMs: 5 }, { chunkTimeoutMs: 200 });
    const stream = await beginStream(models, hello(), { deadline: ample() });
    await new Promise((resolve) => setTimeout(resolve, 500));
    expect((await stream.goOn()).error).toBeUndefined();
  });
});
