import OpenAI from 'openai';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { openModels } from '../../src/app/open-models.ts';
import { systemClock } from '../../src/base/time.ts';
import { ConfigError, loadConfig } from '../../src/platform/config/index.ts';
import { createLogger } from '../../src/platform/log/index.ts';
import { type FaultProxy, startFaultProxy } from '../harness/fault-proxy.ts';
import { type Product, startProduct, type TestUser } from '../harness/product.ts';
import { writeTestFile } from '../harness/write-test-file.ts';
import { type StubProvider, startStubProvider } from '../stubs/provider.ts';

const messages = [{ role: 'user' as const, content: 'Hello' }];

let first: StubProvider;
let second: StubProvider;
let network: FaultProxy;
let product: Product;
let user: TestUser;

function clientOf(): OpenAI {
  return new OpenAI({ baseURL: `${product.url}/v1`, apiKey: user.key, maxRetries: 0 });
}

beforeAll(async () => {
  first = await startStubProvider({ text: 'from the first' });
  second = await startStubProvider({ text: 'from the second' });
  network = await startFaultProxy(first.url);
  const models = `
    models:
      - name: smart
        targets:
          - {base_url: "${network.url}", model: one, api_key_env: FIRST_KEY, allow_private: true,
             first_byte_timeout_ms: 500, chunk_timeout_ms: 500, retries: 1}
          - {base_url: "${second.url}", model: two, allow_private: true}
      - name: lonely
        targets:
          - {base_url: "${network.url}", model: one, allow_private: true, first_byte_timeout_ms: 500}
      - name: walled
        targets:
          - {base_url: "${second.url}", model: two}`;
  product = await startProduct({ MODELS_FILE: writeTestFile('models.yaml', models), FIRST_KEY: 'first-secret' });
  user = await product.createUser();
});

beforeEach(() => {
  first.setMode('ok');
  network.setMode('pass');
});

afterAll(async () => {
  await product.stop();
  await network.close();
  await first.close();
  await second.close();
});

describe('with several models in a file', () => {
  it('all are listed, the default is the first, and each target gets its own key', async () => {
    const models = await Array.fromAsync(await clientOf().models.list());
    expect(models.map(({ id }) => id)).toEqual(['smart', 'lonely', 'walled', 'offline']);
    const completion = await clientOf().chat.completions.create({ messages } as never);
    expect(completion).toMatchObject({ model: 'smart', choices: [{ message: { content: 'from the first' } }] });
    expect(first.requests.at(-1)?.headers.authorization).toBe('Bearer first-secret');
    expect(first.requests.at(-1)?.body.model).toBe('one');
    await clientOf().chat.completions.create({ model: 'offline', messages });
  });

  it.each(['black-hole', 'reset'] as const)(
    'a first target behind a network in mode %s is passed over',
    async (mode) => {
      network.setMode(mode);
      const stream = await clientOf().chat.completions.create({ model: 'smart', messages, stream: true });
      const chunks = await Array.fromAsync(stream);
      expect(chunks.map((chunk) => chunk.choices[0]?.delta.content ?? '').join('')).toBe('from the second');
      expect(second.requests.at(-1)?.headers.authorization).toBeUndefined();
    },
  );

  it('a stream that stalls ends with an error that the openai package raises, and is not begun anew', async () => {
    first.setMode('stall-mid-stream');
    const before = second.requestCount;
    const stream = await clientOf().chat.completions.create({ model: 'smart', messages, stream: true });
    await expect(Array.fromAsync(stream)).rejects.toThrow(OpenAI.APIError);
    expect(second.requestCount).toBe(before);
  });

  it('a model whose only target fails is an error here, and never the offline model', async () => {
    first.setMode('401');
    const error = { status: 502, code: 'models.refused' };
    await expect(clientOf().chat.completions.create({ model: 'lonely', messages })).rejects.toMatchObject(error);
  });

  it('a model that is left alone is told of by readiness, and answers again within two seconds of healing', async () => {
    const readReadiness = async () => await (await product.request(undefined, 'GET', '/readyz')).json();
    const ask = () => clientOf().chat.completions.create({ model: 'lonely', messages });
    network.setMode('black-hole');
    await Promise.allSettled(Array.from({ length: 5 }, ask));
    await expect(ask()).rejects.toMatchObject({ status: 503, code: 'models.unavailable' });
    const reason = 'No target of the model "lonely" answers.';
    expect(await readReadiness()).toMatchObject({ status: 'degraded', reasons: expect.arrayContaining([reason]) });
    network.setMode('pass');
    const hasAnswered = () =>
      ask().then(
        () => true,
        () => false,
      );
    await expect.poll(hasAnswered, { timeout: 2_000, interval: 50 }).toBe(true);
    expect(await readReadiness()).not.toMatchObject({ reasons: expect.arrayContaining([reason]) });
  });

  it('a private address is refused where the file does not allow it', async () => {
    const before = second.connectionCount;
    const error = { status: 502, code: 'models.address_refused' };
    await expect(clientOf().chat.completions.create({ model: 'walled', messages })).rejects.toMatchObject(error);
    expect(second.connectionCount).toBe(before);
  });

  it('a file with mistakes stops the start, with all of them', () => {
    const file = writeTestFile('models.yaml', 'models: [{name: a, targets: [{model: m, modle: x}]}]');
    const config = loadConfig({ MODELS_FILE: file });
    const open = () => openModels(config, { clock: systemClock, log: createLogger({ level: 'silent' }) });
    expect(open).toThrow(ConfigError);
    expect(open).toThrow('MODELS_FILE: models[0].targets[0].modle: there is no such field');
    expect(open).toThrow('MODELS_FILE: models[0].targets[0].base_url: is missing');
  });
});

describe('with one provider in the environment', () => {
  it.each([
    ['http://localhost:1/v1', 'models.unreachable'],
    ['http://127.0.0.1:1/v1', 'models.unreachable'],
    ['http://10.255.255.1:1/v1', 'models.address_refused'],
    ['http://169.254.169.254/v1', 'models.address_refused'],
  ])('at %s, the answer is %s', async (baseUrl, code) => {
    const other = await startProduct({ MODEL_BASE_URL: baseUrl, MODEL_NAME: 'm' });
    try {
      const key = (await other.createUser()).key;
      const response = await other.request({ key }, 'POST', '/v1/chat/completions', { messages });
      expect(response.status).toBe(502);
      expect(await response.json()).toMatchObject({ error: { code } });
    } finally {
      await other.stop();
    }
  });
});
