import OpenAI from 'openai';
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { newSecret } from '../../src/core/keys/index.ts';
import { permissionsWithout, type TestUser, useProductWithModel } from '../harness/product.ts';

const MODEL = 'stub/model';
const TEXT = 'Grüße from the stub, 你好!';
const messages = [{ role: 'user' as const, content: 'Hello' }];

const { product, provider } = useProductWithModel(
  { text: TEXT },
  {
    MODEL_NAME: MODEL,
    MODEL_API_KEY: 'provider-secret',
    MODEL_CHUNK_TIMEOUT_MS: '500',
    MODEL_FIRST_BYTE_TIMEOUT_MS: '2000',
  },
);
let user: TestUser;

function clientWith(apiKey: string, timeoutMs = 60_000): OpenAI {
  return new OpenAI({ baseURL: `${product.url}/v1`, apiKey, maxRetries: 0, timeout: timeoutMs });
}

beforeAll(async () => {
  user = await product.createUser();
});

beforeEach(async () => {
  provider.setMode('ok', { delayMs: 0 });
  // Failures of one test after those of another would open the breaker.
  await clientWith(user.key).chat.completions.create({ model: MODEL, messages });
});

describe('the openai package', () => {
  it('gets a completion with usage', async () => {
    const completion = await clientWith(user.key).chat.completions.create({ model: MODEL, messages });
    expect(completion.choices[0]?.message.content).toBe(TEXT);
    expect(completion.model).toBe(MODEL);
    expect(completion.usage?.total_tokens).toBeGreaterThan(0);
  });

  it('streams a completion with usage in the last chunk when it asks for it', async () => {
    const stream = await clientWith(user.key).chat.completions.create({
      model: MODEL,
      messages,
      stream: true,
      stream_options: { include_usage: true },
    });
    const chunks = await Array.fromAsync(stream);
    expect(chunks.map((chunk) => chunk.choices[0]?.delta.content ?? '').join('')).toBe(TEXT);
    expect(chunks.at(-1)?.usage?.completion_tokens).toBeGreaterThan(0);
    expect(chunks.at(-1)?.choices).toEqual([]);
  });

  it('streams a completion without a usage chunk when it does not ask for it', async () => {
    const stream = await clientWith(user.key).chat.completions.create({ model: MODEL, messages, stream: true });
    const chunks = await Array.fromAsync(stream);
    expect(chunks.map((chunk) => chunk.choices[0]?.delta.content ?? '').join('')).toBe(TEXT);
    expect(chunks.filter((chunk) => chunk.choices.length === 0)).toEqual([]);
  });

  it.each(['crlf', 'split-utf8', 'one-byte', 'no-done'] as const)(
    'gets the text to the letter when the provider streams in the way %s',
    async (mode) => {
      provider.setMode(mode);
      const stream = await clientWith(user.key).chat.completions.create({ model: MODEL, messages, stream: true });
      const chunks = await Array.fromAsync(stream);
      expect(chunks.map(({ choices }) => choices[0]?.delta.content ?? '').join('')).toBe(TEXT);
      expect(chunks.at(-1)?.choices[0]?.finish_reason).toBe('stop');
    },
  );

  it('gets text from a provider that sends little else', async () => {
    provider.setMode('sparse');
    const completion = await clientWith(user.key).chat.completions.create({ model: MODEL, messages });
    const message = { role: 'assistant', content: TEXT };
    expect(completion.choices).toEqual([{ index: 0, finish_reason: 'stop', message }]);
  });

  it.each(['tool-call', 'sparse'] as const)('makes a tool-call round trip with a provider in mode %s', async (mode) => {
    provider.setMode(mode);
    const client = clientWith(user.key);
    const tools = [
      {
        type: 'function' as const,
        function: { name: 'get_weather', parameters: { type: 'object', properties: { city: { type: 'string' } } } },
      },
    ];
    const asked = await client.chat.completions.stream({ model: MODEL, messages, tools }).finalMessage();
    const call = asked.tool_calls?.[0];
    if (call?.type !== 'function') throw new Error('The model called no function.');
    expect(JSON.parse(call.function.arguments)).toBeTypeOf('object');
    const answered = await client.chat.completions.create({
      model: MODEL,
      tools,
      messages: [...messages, asked, { role: 'tool', tool_call_id: call.id, content: 'Sunny' }],
    });
    expect(answered.choices[0]?.message.content).toBe(TEXT);
    expect(provider.requests.at(-1)?.body.messages).toHaveLength(3);
  });

  it('lists the models and reads one', async () => {
    const client = clientWith(user.key);
    const models = await Array.fromAsync(await client.models.list());
    expect(models.map(({ id }) => id)).toEqual([MODEL, 'offline']);
    expect((await client.models.retrieve(MODEL)).object).toBe('model');
  });

  it('retrieves a model with a slash in its name also in versions that do not encode it', async () => {
    expect(await clientWith(user.key).get(`/models/${MODEL}`)).toMatchObject({ id: MODEL, object: 'model' });
    const unknown = clientWith(user.key).get('/models/no/such/model');
    await expect(unknown).rejects.toMatchObject({ status: 404, code: 'models.not_found', param: 'model' });
  });

  it('is told which field is at fault where a name, with a slash or without, can be no model', async () => {
    for (const name of ['x'.repeat(201), 'a/'.repeat(101), 'a%00', 'a/%00']) {
      const read = clientWith(user.key).get(`/models/${name}`);
      await expect(read, name).rejects.toMatchObject({ status: 400, param: 'model' });
    }
  });

  it('never sends its own key to the provider', async () => {
    await clientWith(user.key).chat.completions.create({ model: MODEL, messages });
    expect(provider.requests.at(-1)?.headers.authorization).toBe('Bearer provider-secret');
    expect(JSON.stringify(provider.requests)).not.toContain(user.key);
  });
});

describe('an error is raised by the openai package as', () => {
  const create = (client: OpenAI) => client.chat.completions.create({ model: MODEL, messages });

  it('AuthenticationError for a key that was never issued', async () => {
    await expect(create(clientWith(newSecret()))).rejects.toThrow(OpenAI.AuthenticationError);
  });

  it('PermissionDeniedError for a key without the permission', async () => {
    const key = await product.createKey(user, permissionsWithout('chat:write'));
    await expect(create(clientWith(key))).rejects.toThrow(OpenAI.PermissionDeniedError);
  });

  it('NotFoundError for a model that does not exist', async () => {
    const asked = clientWith(user.key).chat.completions.create({ model: 'no-such-model', messages });
    await expect(asked).rejects.toMatchObject({ constructor: OpenAI.NotFoundError, param: 'model' });
  });

  it('BadRequestError that names the field', async () => {
    const asked = clientWith(user.key).chat.completions.create({ model: MODEL, messages: [] });
    await expect(asked).rejects.toMatchObject({ constructor: OpenAI.BadRequestError, param: 'messages' });
  });

  it('InternalServerError when the provider fails, and not as an error of the caller', async () => {
    for (const mode of ['http-500', '401', '502-html', 'malformed-json'] as const) {
      provider.setMode(mode);
      await expect(create(clientWith(user.key)), mode).rejects.toMatchObject({
        constructor: OpenAI.InternalServerError,
        code: expect.stringMatching(/^models\./),
      });
    }
  });

  it('APIError when the stream breaks before its end', async () => {
    for (const mode of ['truncated', 'reset-mid-stream', 'stall-mid-stream', 'error-in-stream'] as const) {
      provider.setMode(mode);
      const stream = await clientWith(user.key).chat.completions.create({ model: MODEL, messages, stream: true });
      await expect(Array.fromAsync(stream), mode).rejects.toThrow(OpenAI.APIError);
    }
  });

  it('an error when the stream is none, is too much or leads elsewhere', async () => {
    for (const mode of ['malformed-json', 'empty-200', 'huge-line', 'redirect'] as const) {
      provider.setMode(mode);
      const read = async () =>
        await Array.fromAsync(
          await clientWith(user.key).chat.completions.create({ model: MODEL, messages, stream: true }),
        );
      await expect(read(), mode).rejects.toThrow(OpenAI.APIError);
      provider.setMode('ok');
      await clientWith(user.key).chat.completions.create({ model: MODEL, messages });
    }
  });

  it('APIConnectionTimeoutError when its own time is over, and the provider is told to stop', async () => {
    provider.setMode('no-first-byte');
    const before = provider.aborts.length;
    await expect(create(clientWith(user.key, 300))).rejects.toThrow(OpenAI.APIError);
    await expect.poll(() => provider.aborts.length, { timeout: 5_000 }).toBe(before + 1);
  });
});

it('ends the request to the provider when the client leaves in the middle of a stream', async () => {
  provider.setMode('ok', { delayMs: 100 });
  const before = provider.aborts.length;
  const stream = await clientWith(user.key).chat.completions.create({ model: MODEL, messages, stream: true });
  for await (const chunk of stream) if (chunk.choices[0]?.delta.content) break;
  await expect.poll(() => provider.aborts.length, { timeout: 5_000 }).toBe(before + 1);
});
