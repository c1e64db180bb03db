import { describe, expect, it } from 'vitest';
import { describeTarget } from '../../../test/contract/target.ts';
import { ample, drainStream, hello } from '../../../test/harness/test-models.ts';
import { systemClock } from '../../base/time.ts';
import { createLogger } from '../../platform/log/index.ts';
import { createModels } from './create-models.ts';
import { OfflineModel } from './offline-model.ts';

const models = createModels({ models: [], log: createLogger({ level: 'silent' }) });

describeTarget('the offline model', {
  open: async () => new OfflineModel(systemClock, 'only'),
  model: 'its-name',
});
describeTarget('the offline model, by way of the gateway', { open: async () => models, model: 'offline' });

describe('the offline model', () => {
  it('is the only model when none is configured', async () => {
    expect(models.list()).toEqual([
      { id: 'offline', object: 'model', created: expect.any(Number), owned_by: 'evenkeel' },
    ]);
    const { error } = await drainStream(models, hello({ model: 'gpt-5' }), { deadline: ample() });
    expect((error as Error).message).toContain('GET /v1/models');
  });

  it('says what it is and how to configure a model, and nothing that it was told', async () => {
    const completion = await models.complete(hello({ messages: [{ role: 'user', content: 'my secret is 1234' }] }), {
      deadline: ample(),
    });
    const text = completion.choices[0]?.message.content;
    expect(completion.model).toBe('offline');
    expect(text).toMatch(/offline model.*no model is configured.*MODEL_BASE_URL.*MODEL_API_KEY.*MODEL_NAME/s);
    expect(text).not.toContain('secret');
  });

  it('gives the same choice as often as is asked for, and counts each', async () => {
    const [one, three] = await Promise.all([1, 3].map((n) => models.complete(hello({ n }), { deadline: ample() })));
    const [choice] = one?.choices ?? [];
    expect(three?.choices).toEqual([0, 1, 2].map((index) => ({ ...choice, index })));
    expect(three?.usage?.completion_tokens).toBe(3 * (one?.usage?.completion_tokens ?? 0));
  });

  it.each([
    [{ max_tokens: 3 }, { content: "This is Evenkeel's", end: 'length', words: 3 }],
    [
      { max_tokens: null, max_completion_tokens: 1 },
      { content: 'This', end: 'length', words: 1 },
    ],
    [
      { max_tokens: 51, max_completion_tokens: 1 },
      { content: 'This', end: 'length', words: 1 },
    ],
    [{ max_tokens: 51 }, { content: expect.stringMatching(/understand plain$/), end: 'length', words: 51 }],
    [{ max_tokens: 52 }, { content: expect.stringMatching(/plain commands\.$/), end: 'stop', words: 52 }],
  ])('keeps within %j, and says so where that cuts its answer short', async (bounds, { content, end, words }) => {
    const { choices, usage } = await models.complete(hello(bounds), { deadline: ample() });
    expect(choices).toMatchObject([{ message: { content }, finish_reason: end }]);
    expect(usage?.completion_tokens).toBe(words);
  });

  it('refuses to answer in JSON, which it does not write', async () => {
    const definition = { type: 'json_schema', json_schema: { name: 'a', schema: {} } } as const;
    for (const response_format of [{ type: 'json_object' } as const, definition]) {
      const refused = models.complete(hello({ response_format }), { deadline: ample() });
      await expect(refused).rejects.toMatchObject({ code: 'models.invalid_request', param: 'response_format' });
    }
    await models.complete(hello({ response_format: { type: 'text' } }), { deadline: ample() });
  });

  it('counts the words that it is told in parts', async () => {
    const content = ['one two', 'three'].map((text) => ({ type: 'text' as const, text }));
    const { usage } = await models.complete(hello({ messages: [{ role: 'user', content }] }), { deadline: ample() });
    expect(usage?.prompt_tokens).toBe(3);
  });

  it('tells somebody in a crisis all of where help is, whatever the bound', async () => {
    const request = hello({ messages: [{ role: 'user', content: 'I want to end my life' }] });
    const whole = await models.complete(request, { deadline: ample() });
    const bounded = await models.complete({ ...request, max_tokens: 1 }, { deadline: ample() });
    expect(whole.choices[0]?.message.content).not.toContain('offline model');
    const inJson = await models.complete(
      { ...request, response_format: { type: 'json_object' } },
      { deadline: ample() },
    );
    expect(bounded.choices).toEqual(whole.choices);
    expect(inJson.choices).toEqual(whole.choices);
  });
});
