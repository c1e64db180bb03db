import { describe, expect, it, vi } from 'vitest';
import {
  ample,
  CANARY_KEY,
  closeAfterEach,
  drainStream,
  hello,
  openTestModels,
  settle,
  startProvider,
  testTarget,
} from '../../../test/harness/test-models.ts';
import type { StubMode, StubProviderOptions } from '../../../test/stubs/provider.ts';
import { Cancelled, Deadline } from '../../base/deadline.ts';
import type { ModelsOptions, TargetDefinition } from './create-models.ts';
import type { ObservedCall } from './guarded-target.ts';

closeAfterEach();

/** Waits that take no time, and are remembered; chance is fixed so that the first backoff is 300 ms. */
function noWaits(random = 0) {
  const waitsMs: number[] = [];
  const wait = async (waitMs: number, deadline: Deadline) => {
    waitsMs.push(waitMs);
    deadline.throwIfEnded();
  };
  return { waitsMs, waits: { random: () => random, wait } };
}

type Options = Partial<ModelsOptions> & { readonly first?: Partial<TargetDefinition> };

/** A model served by two providers, the first one in trouble, and by its own time. */
async function startTwo(trouble: StubProviderOptions, { first, ...options }: Options = {}) {
  const primary = await startProvider(trouble);
  const secondary = await startProvider({ text: 'from the second' });
  const targets = [
    testTarget({ name: 'one', baseUrl: primary.url, ...first }),
    testTarget({ name: 'two', baseUrl: secondary.url, model: 'other' }),
  ];
  const calls: ObservedCall[] = [];
  const waits = noWaits();
  const opened = openTestModels({
    models: [{ name: 'smart', targets }],
    onCall: (call) => calls.push(call),
    waits: waits.waits,
    ...options,
  });
  return { ...opened, primary, secondary, calls, waitsMs: waits.waitsMs };
}

/** A model served by one provider that is tried again twice. */
async function startOne(
  trouble: StubProviderOptions,
  { random, ...options }: Partial<ModelsOptions> & { random?: number } = {},
) {
  const provider = await startProvider(trouble);
  const { waitsMs, waits } = noWaits(random);
  const targets = [testTarget({ name: 'one', baseUrl: provider.url, retries: 2 })];
  return { ...openTestModels({ models: [{ name: 'smart', targets }], waits, ...options }), provider, waitsMs };
}

const call = () => ({ deadline: ample() });

describe('when the first target is in trouble', () => {
  it.each<[StubMode, Partial<TargetDefinition>?]>([
    ['http-429'],
    ['http-500'],
    ['502-html'],
    ['401'],
    ['404-html'],
    ['malformed-json'],
    ['empty-200'],
    ['says-nothing'],
    ['only-done'],
    ['huge-line'],
    ['redirect'],
    ['no-first-byte', { firstByteTimeoutMs: 100 }],
    ['headers-only', { firstByteTimeoutMs: 100 }],
    ['ok', { baseUrl: 'http://127.0.0.1:1/v1' }],
  ])('of kind %s, the next one answers, streamed and whole', async (mode, first = {}) => {
    const { models, secondary, lines } = await startTwo({ mode, errorMessage: CANARY_KEY }, { first });
    const streamed = await drainStream(models, hello(), call());
    const whole = await models.complete(hello(), call());
    expect(streamed).toMatchObject({ text: 'from the second', error: undefined });
    expect(whole.choices[0]?.message.content).toBe('from the second');
    // By the name that the caller asked for, whoever answered.
    expect([whole.model, streamed.chunks[0]?.model]).toEqual(['smart', 'smart']);
    expect(secondary.requests.map(({ body }) => body.model)).toEqual(['other', 'other']);
    expect(lines.join()).not.toContain(CANARY_KEY);
  });

  it.each<[StubMode, string]>([
    ['400-openai-error', 'models.invalid_request'],
    ['400-flat-error', 'models.invalid_request'],
    ['413-html', 'models.invalid_request'],
    ['400-too-long', 'models.context_length_exceeded'],
  ])(
    'and the request is to blame (%s), its error is raised and nobody else asked, nor the same one again',
    async (mode, code) => {
      const { models, primary, secondary } = await startTwo(
        { mode, errorMessage: 'Too long.' },
        { first: { retries: 2 } },
      );
      const errors = [await drainStream(models, hello(), call()), await settle(models.complete(hello(), call()))];
      for (const { error } of errors) expect(error).toMatchObject({ code, status: 400 });
      expect(primary.requests).toHaveLength(2);
      expect(secondary.requests).toEqual([]);
      expect(models.health()[0]).toEqual({ model: 'smart', target: 'one', state: 'closed' });
    },
  );

  it.each<StubMode>(['reset-mid-stream', 'truncated', 'error-in-stream'])(
    'after the first byte (%s), that is an error: nobody else is asked',
    async (mode) => {
      const { models, primary, secondary } = await startTwo({ mode }, { first: { retries: 2 } });
      const { text, error } = await drainStream(models, hello(), call());
      expect(text).not.toBe('');
      expect(error).toMatchObject({ status: 502 });
      expect(primary.requests).toHaveLength(1);
      expect(secondary.requests).toEqual([]);
    },
  );

  it('and so is the last, the error of the last is raised', async () => {
    const { models, secondary } = await startTwo({ mode: 'http-500' });
    secondary.setMode('401');
    const error = { code: 'models.refused', status: 502 };
    await expect(models.complete(hello(), call())).rejects.toMatchObject(error);
    expect(models.health()).toEqual([
      { model: 'smart', target: 'one', state: 'closed', last_error_code: 'models.provider_error' },
      { model: 'smart', target: 'two', state: 'closed', last_error_code: 'models.refused' },
    ]);
  });

  it('each request is observed with the target and what came of it', async () => {
    const { models, calls } = await startTwo({ mode: 'http-500' });
    await drainStream(models, hello(), call());
    expect(calls).toEqual([
      { model: 'smart', target: 'one', outcome: 'models.provider_error', durationMs: expect.any(Number) },
      {
        ...{ model: 'smart', target: 'two', outcome: 'ok', promptTokens: 7, completionTokens: 3 },
        ...{ firstByteMs: expect.any(Number), durationMs: expect.any(Number) },
      },
    ]);
  });

  it('a caller who leaves ends it: nobody else is asked', async () => {
    const { models, primary, secondary, calls } = await startTwo({ mode: 'no-first-byte' });
    const deadline = ample();
    const asking = settle(models.complete(hello(), { deadline }));
    await vi.waitFor(() => expect(primary.requests).toHaveLength(1));
    deadline.cancel();
    expect((await asking).error).toBeInstanceOf(Cancelled);
    await vi.waitFor(() => expect(primary.aborts).toHaveLength(1));
    expect(secondary.requests).toEqual([]);
    expect(calls).toMatchObject([{ target: 'one', outcome: 'cancelled' }]);
  });
});

describe('a target is tried again', () => {
  it.each([
    [0, [300, 600]],
    [1, [150, 300]],
  ])('twice at most, after growing pauses that are shorter by chance, up to half: %s', async (random, pausesMs) => {
    const { models, provider, waitsMs } = await startOne({ mode: 'http-500' }, { random });
    const { error } = await drainStream(models, hello(), call());
    expect(error).toMatchObject({ code: 'models.provider_error' });
    expect(provider.requests).toHaveLength(3);
    expect(waitsMs).toEqual(pausesMs);
  });

  it('and its answer is then as if nothing had happened', async () => {
    const provider = await startProvider({ mode: 'http-500', text: 'at last' });
    const wait = async () => provider.setMode('ok');
    const targets = [testTarget({ baseUrl: provider.url, retries: 2 })];
    const { models } = openTestModels({ models: [{ name: 'smart', targets }], waits: { random: () => 0, wait } });
    expect(await drainStream(models, hello(), call())).toMatchObject({ text: 'at last', error: undefined });
    expect(provider.requests).toHaveLength(2);
  });

  it('after the pause that it asks for', async () => {
    const { models, provider, waitsMs } = await startOne({ mode: 'http-429', retryAfter: '1' });
    await settle(models.complete(hello(), call()));
    expect(provider.requests).toHaveLength(3);
    expect(waitsMs).toEqual([1_300, 1_600]);
  });

  it.each([
    ['a minute', '60', startOne],
    ['two seconds while another one is there', '2', startTwo],
  ])('after a pause of %s, the longest', async (_pause, retryAfter, start) => {
    const { models, waitsMs } = await start({ mode: 'http-429', retryAfter }, { first: { retries: 2 } });
    await settle(models.complete(hello(), { deadline: Deadline.after(100_000) }));
    expect(waitsMs).toEqual([300, 600].map((backoffMs) => Number(retryAfter) * 1_000 + backoffMs));
  });

  it.each([
    ['61', 1],
    [new Date(Date.now() + 3_600_000).toUTCString(), 1],
    ['19', 1],
    ['garbage', 3],
    ['-1', 3],
  ])('unless that (Retry-After: %s) is too long for the caller', async (retryAfter, requests) => {
    const { models, provider } = await startOne({ mode: 'http-429', retryAfter });
    const { error } = await settle(models.complete(hello(), { deadline: Deadline.after(15_000) }));
    expect(error).toMatchObject({ code: 'models.rate_limited', status: 503 });
    expect(provider.requests).toHaveLength(requests);
  });

  it('but not for longer than two seconds while another one is there', async () => {
    const first = { retries: 2 };
    const { models, primary, waitsMs } = await startTwo({ mode: 'http-429', retryAfter: '3' }, { first });
    expect((await settle(models.complete(hello(), call()))).text).toBe('from the second');
    expect(primary.requests).toHaveLength(1);
    expect(waitsMs).toEqual([]);
  });

  it('after a longer one where the other one is left alone', async () => {
    const clock = { now: () => new Date(), monotonicMs: () => 0 };
    const trouble = { mode: 'http-429', retryAfter: '3' } as const;
    const { models, secondary, waitsMs } = await startTwo(trouble, { first: { retries: 2 }, clock });
    secondary.setMode('401');
    for (let request = 0; request < 5; request++) await settle(models.complete(hello(), call()));
    expect(waitsMs).toEqual([]);
    await settle(models.complete(hello(), call()));
    expect(waitsMs).toEqual([3_300, 3_600]);
  });

  it.each<[StubMode, Partial<TargetDefinition>]>([
    ['401', {}],
    ['no-first-byte', { firstByteTimeoutMs: 100 }],
  ])('not when it would do the same again: %s', async (mode, target) => {
    const provider = await startProvider({ mode });
    const targets = [testTarget({ baseUrl: provider.url, retries: 2, ...target })];
    const { models } = openTestModels({ models: [{ name: 'smart', targets }] });
    await settle(models.complete(hello(), call()));
    expect(provider.requests).toHaveLength(1);
  });

  it('for a fifth of a thousand requests at most', async () => {
    const { models, provider } = await startOne({ mode: 'http-429', retryAfter: '0' });
    let requestCount = 0;
    const ask = async (): Promise<void> => {
      while (requestCount++ < 1_000) await settle(models.complete(hello(), call()));
    };
    await Promise.all(Array.from({ length: 20 }, ask));
    expect(provider.requestCount).toBeGreaterThan(1_100);
    expect(provider.requestCount).toBeLessThanOrEqual(1_200);
  });
});

describe('the offline model stands in', () => {
  const standIn = () => ({ deadline: ample(), fallBackToOffline: true });

  it('when every target fails and the caller wants it, and says so', async () => {
    const { models } = await startOne({ mode: '401' });
    const { chunks, text, error } = await drainStream(models, hello(), standIn());
    const whole = await models.complete(hello(), standIn());
    expect(error).toBeUndefined();
    expect(text).toMatch(/offline model.*not a language model.*cannot be reached/);
    expect(chunks.every(({ model, degraded }) => model === 'offline' && degraded === true)).toBe(true);
    expect(whole).toMatchObject({ model: 'offline', degraded: true });
  });

  it('also while all are left alone', async () => {
    const { models, provider } = await startOne({ mode: '401' });
    for (let request = 0; request < 5; request++) await settle(models.complete(hello(), call()));
    expect(await models.complete(hello(), standIn())).toMatchObject({ model: 'offline', degraded: true });
    expect(provider.requests).toHaveLength(5);
  });

  it('for nobody who did not want it, whose request is at fault, or whose answer has begun', async () => {
    const { models, provider } = await startOne({ mode: '401' });
    expect((await settle(models.complete(hello(), call()))).error).toMatchObject({ code: 'models.refused' });
    provider.setMode('413-html');
    const { error } = await settle(models.complete(hello(), standIn()));
    expect(error).toMatchObject({ code: 'models.invalid_request' });
    provider.setMode('truncated');
    const broken = await drainStream(models, hello(), standIn());
    expect(broken.error).toMatchObject({ code: 'models.bad_response' });
    expect(broken.chunks.some(({ degraded }) => degraded)).toBe(false);
  });

  it('not when it is asked for by its name: then it is the model', async () => {
    const { models, provider } = await startOne({});
    const completion = await models.complete(hello({ model: 'offline' }), call());
    expect(completion.model).toBe('offline');
    expect(completion).not.toHaveProperty('degraded');
    expect(completion.choices[0]?.message.content).toContain('GET /v1/models');
    expect(provider.requests).toEqual([]);
  });
});
