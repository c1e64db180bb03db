import { describe, expect, it, vi } from 'vitest';
import {
  ample,
  beginStream,
  closeAfterEach,
  drainStream,
  hello,
  openTestModels,
  settle,
  startProvider,
  testTarget,
} from '../../../test/harness/test-models.ts';

closeAfterEach();

const call = () => ({ deadline: ample() });

describe('a target that fails five times in a row', () => {
  const fail = async ({ models }: Awaited<ReturnType<typeof startClocked>>) => {
    for (let request = 0; request < 5; request++) await settle(models.complete(hello(), call()));
  };

  async function startClocked() {
    const time = { nowMs: 0 };
    const clock = { now: () => new Date(), monotonicMs: () => time.nowMs };
    const provider = await startProvider({ mode: '401' });
    const targets = [testTarget({ name: 'one', baseUrl: provider.url, retries: 2 })];
    const waits = { random: () => 0, wait: async () => {} };
    return { ...openTestModels({ models: [{ name: 'smart', targets }], clock, waits }), provider, time };
  }

  it('is left alone: the caller is told at once', async () => {
    const started = await startClocked();
    await fail(started);
    const { models, provider, lines } = started;
    const error = { code: 'models.unavailable', status: 503, retryAfterMs: 1_000 };
    await expect(models.complete(hello(), call())).rejects.toMatchObject(error);
    expect((await drainStream(models, hello(), call())).error).toMatchObject(error);
    expect(provider.requests).toHaveLength(5);
    expect(models.health()).toMatchObject([{ state: 'open', last_error_code: 'models.refused' }]);
    expect(lines.filter((line) => line.includes('left alone'))).toHaveLength(1);
    // Only the operator can mend that.
    expect(lines.filter((line) => line.includes('"error"') && line.includes('refuses this server'))).toHaveLength(5);
  });

  it('is asked by one caller after a second, and by all when the first chunk of that one has come', async () => {
    const started = await startClocked();
    await fail(started);
    const { models, provider, time } = started;
    time.nowMs += 1_000;
    provider.setMode('stall-mid-stream');
    const first = call();
    const stream = await beginStream(models, hello(), first);
    expect(models.health()).toMatchObject([{ state: 'closed' }]);
    provider.setMode('ok');
    expect((await settle(models.complete(hello(), call()))).error).toBeUndefined();
    first.deadline.cancel();
    await stream.goOn();
  });

  it('is left alone again when that one fails, which is not tried again', async () => {
    const started = await startClocked();
    await fail(started);
    const { models, provider, time, lines } = started;
    time.nowMs += 1_000;
    provider.setMode('http-500');
    await settle(models.complete(hello(), call()));
    expect(provider.requests).toHaveLength(6);
    expect(models.health()).toMatchObject([{ state: 'open', last_error_code: 'models.provider_error' }]);
    expect(lines.filter((line) => line.includes('left alone'))).toHaveLength(1);
  });

  it('is told of as failing for a minute after it did so last, or until it answers', async () => {
    const started = await startClocked();
    const { models, provider, time } = started;
    expect(models.listFailing()).toEqual([]);
    await fail(started);
    time.nowMs += 59_999;
    expect(models.listFailing()).toEqual(['smart']);
    time.nowMs += 1;
    expect(models.listFailing()).toEqual([]);
    await settle(models.complete(hello(), call()));
    expect(models.listFailing()).toEqual(['smart']);
    time.nowMs += 1_000;
    provider.setMode('ok');
    await models.complete(hello(), call());
    expect(models.listFailing()).toEqual([]);
  });

  it('by breaking off its streams is left alone too', async () => {
    const started = await startClocked();
    const { models, provider } = started;
    provider.setMode('truncated');
    for (let request = 0; request < 5; request++) await drainStream(models, hello(), call());
    expect(models.health()).toMatchObject([{ state: 'open', last_error_code: 'models.bad_response' }]);
  });

  it('by having too much to do is not', async () => {
    const started = await startClocked();
    started.provider.setMode('http-429');
    await fail(started);
    expect(started.models.health()).toMatchObject([{ state: 'closed', last_error_code: 'models.rate_limited' }]);
  });

  it('by requests that are at fault, or by callers who leave, is not', async () => {
    const started = await startClocked();
    const { models, provider } = started;
    provider.setMode('400-openai-error');
    await fail(started);
    provider.setMode('no-first-byte');
    for (let request = 6; request <= 10; request++) {
      const leaving = call();
      const asking = settle(models.complete(hello(), leaving));
      await vi.waitFor(() => expect(provider.requests).toHaveLength(request));
      leaving.deadline.cancel();
      await asking;
    }
    expect(models.health()).toEqual([{ model: 'smart', target: 'one', state: 'closed' }]);
  });
});

it('a target that is left alone does not hide what the one before it failed with', async () => {
  const [busy, broken] = [await startProvider({ mode: 'http-429' }), await startProvider({ mode: '401' })];
  const targets = [busy, broken].map(({ url }, index) => testTarget({ name: `${index}`, baseUrl: url }));
  const waits = { random: () => 0, wait: async () => {} };
  const { models } = openTestModels({ models: [{ name: 'smart', targets }], waits });
  for (let request = 0; request < 5; request++) await settle(models.complete(hello(), call()));
  expect(models.health()).toMatchObject([{ state: 'closed' }, { state: 'open' }]);
  expect(models.listFailing()).toEqual([]);
  await expect(models.complete(hello(), call())).rejects.toMatchObject({ code: 'models.rate_limited' });
});

it('a caller who has left already has no target asked', async () => {
  const observed: unknown[] = [];
  const targets = [testTarget({ name: 'one', baseUrl: 'http://127.0.0.1:1/v1' })];
  const { models } = openTestModels({ models: [{ name: 'smart', targets }], onCall: (seen) => observed.push(seen) });
  const { deadline } = call();
  deadline.cancel(new Error('the client left'));
  await expect(models.complete(hello(), { deadline })).rejects.toThrow('the client left');
  expect(observed).toEqual([]);
});
