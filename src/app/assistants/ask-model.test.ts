import { Type } from 'typebox';
import { expect, test } from 'vitest';
import { testContext } from '../../../test/harness/test-context.ts';
import { closeAfterEach, startModels } from '../../../test/harness/test-models.ts';
import { askModel } from './ask-model.ts';

closeAfterEach();

const answer = Type.Object({ mood: Type.String({ minLength: 1 }) }, { additionalProperties: false });
const question = { instructions: 'Read the mood.', text: 'Glad idag!', answer };

test('the model is given the instructions, the text and the shape of the answer, and its JSON comes back', async () => {
  const { provider, models } = await startModels({ text: '{"mood": "happy"}' });
  expect(await askModel(models, question, testContext())).toEqual({ mood: 'happy' });
  expect(provider.requests[0]?.body).toMatchObject({
    messages: [
      { role: 'system', content: 'Read the mood.' },
      { role: 'user', content: 'Glad idag!' },
    ],
    response_format: { type: 'json_schema', json_schema: { schema: { required: ['mood'] } } },
  });
  // OpenAI refuses a strict schema with `minLength`.
  expect(provider.requests[0]?.body).not.toHaveProperty('response_format.json_schema.strict');
});

test.each(['```json\n{"mood": "happy"}\n```', '```\n{"mood": "happy"}\n```\n', ' {"mood": "happy"}\n'])(
  'an answer is taken out of the block of Markdown that it is in: %j',
  async (text) => {
    const { models } = await startModels({ text });
    expect(await askModel(models, question, testContext())).toEqual({ mood: 'happy' });
  },
);

test('characters that the database cannot store are left out of an answer', async () => {
  const { models } = await startModels({ text: String.raw`{"mood": "hap\u0000py"}` });
  expect(await askModel(models, question, testContext())).toEqual({ mood: 'happy' });
});

test.each([String.raw`{"mood": "\u0000"}`, String.raw`{"mood": "happy", "\u0000": 1}`])(
  'nor do they make up for what is missing, or hide: %s',
  async (text) => {
    const { models } = await startModels({ text });
    await expect(askModel(models, question, testContext())).rejects.toMatchObject({ code: 'models.bad_response' });
  },
);

test.each(['happy', '', '[]', 'null', '{"mood": 1}', '{"mood": "happy", "more": 1}', '{"mood": "happy"'])(
  'an answer of another shape is a bad answer: %j',
  async (text) => {
    const { models } = await startModels({ text });
    await expect(askModel(models, question, testContext())).rejects.toMatchObject({ code: 'models.bad_response' });
  },
);

test('a model that takes longer than the question may is a time-out, and its request is aborted', async () => {
  const { provider, models } = await startModels({ mode: 'no-first-byte' });
  const asked = askModel(models, { ...question, budgetMs: 200 }, testContext());
  await expect(asked).rejects.toMatchObject({ code: 'models.timeout' });
  await expect.poll(() => provider.aborts.length).toBe(1);
});

test('the end of the time of the request is not the fault of the model', async () => {
  const { models } = await startModels({ mode: 'no-first-byte' });
  await expect(askModel(models, question, testContext(200))).rejects.toThrow('the time budget ended');
});
