import { describe, expect, it } from 'vitest';

import { toRefusalError } from './provider-refusal.ts';

const NOW = new Date('2026-01-01T00:00:00Z');

function refuse(status: number, body: unknown = {}, headers: Record<string, string> = {}) {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  return toRefusalError({ status, headers, text }, 'sk-secret', NOW);
}

function saying(message: unknown, param: unknown = null) {
  return { error: { message, type: 'invalid_request_error', param, code: null } };
}

describe("a provider's refusal", () => {
  it.each([
    [400, 400, 'models.invalid_request'],
    [404, 502, 'models.refused'],
    [422, 400, 'models.invalid_request'],
    [401, 502, 'models.refused'],
    [402, 502, 'models.refused'],
    [403, 502, 'models.refused'],
    [407, 502, 'models.refused'],
    [408, 504, 'models.timeout'],
    [429, 503, 'models.rate_limited'],
    [500, 502, 'models.provider_error'],
    [503, 502, 'models.provider_error'],
    [201, 502, 'models.bad_response'],
    [302, 502, 'models.bad_response'],
    [418, 502, 'models.bad_response'],
  ])('of %i is our %i %s', (status, ours, code) => {
    expect(refuse(status, saying('No.'))).toMatchObject({ status: ours, code });
  });

  it.each([
    '',
    '<html>',
    '{}',
    '{"error":null}',
    '{"error":{"message":7}}',
    '{"message":7}',
    '{"detail":[{}]}',
    'null',
    '[]',
  ])('of the request is told as such, also in words that cannot be read: %j', (text) => {
    const message = 'The model provider refused the request as invalid.';
    for (const status of [400, 413, 422])
      expect(refuse(status, text)).toMatchObject({
        status: 400,
        code: 'models.invalid_request',
        message,
        quotesInput: true,
      });
  });

  it.each([
    ['with no object around it', { object: 'error', message: 'Too long.', type: 'BadRequestError', code: 400 }],
    ['in a list', [saying('Too long.')]],
    ['as text', { error: 'Too long.' }],
  ])('is read %s', (_how, body) => {
    expect(refuse(400, body)).toMatchObject({ status: 400, code: 'models.invalid_request', message: 'Too long.' });
    expect(refuse(404, body)).toMatchObject({ status: 502, code: 'models.refused' });
  });

  it.each([
    [
      'Mistral',
      { object: 'error', message: { detail: [{ loc: ['body', 'n'], msg: 'Extra inputs are not permitted' }] } },
    ],
    ['FastAPI', { detail: [{ loc: ['body', 'n'], msg: 'Extra inputs are not permitted', input: 1 }] }],
    ['Cloudflare', { success: false, error: [{ code: 2001, message: 'body.n: Extra inputs are not permitted' }] }],
    ['Cloudflare', { success: false, errors: [{ code: 2001, message: 'body.n: Extra inputs are not permitted' }] }],
    [
      'OpenRouter',
      {
        error: {
          message: 'Provider returned error',
          code: 400,
          metadata: { raw: 'body.n: Extra inputs are not permitted', provider_name: 'Mistral' },
        },
      },
    ],
    ['a proxy', { detail: 'body.n: Extra inputs are not permitted' }],
  ])('is read in the form of %s', (_whom, body) => {
    expect(refuse(422, body)).toMatchObject({ status: 400, message: 'body.n: Extra inputs are not permitted' });
  });

  it.each([
    ['OpenAI', { code: 'context_length_exceeded', message: 'Too long.' }],
    ['vLLM', { message: "This model's maximum context length is 4096 tokens. However, you requested 9000 tokens." }],
    ['Anthropic', { message: 'prompt is too long: 200251 tokens > 199999 maximum' }],
    ['Gemini', { message: 'The input token count (1200000) exceeds the maximum number of tokens allowed (1048576).' }],
    [
      'Mistral',
      {
        message:
          'Prompt contains 40000 tokens and 0 draft tokens, too large for model with 32768 maximum context length',
      },
    ],
    ['xAI', { message: "This model's maximum prompt length is 131072 but the request contains 537812 tokens." }],
    ['llama.cpp', { message: 'the request exceeds the available context size', type: 'exceed_context_size_error' }],
    ['SGLang', { message: "The input (9000 tokens) is longer than the model's context length (8192 tokens)." }],
    ['Bedrock', { message: 'Input is too long for requested model.' }],
    ['Moonshot', { message: 'Invalid request: Your request exceeded model token limit: 8192' }],
    ['DashScope', { message: 'Range of input length should be [1, 30720]' }],
  ])('of a conversation that is too long is known by the words of %s', (_whom, error) => {
    expect(refuse(400, { error })).toMatchObject({ code: 'models.context_length_exceeded', message: error.message });
  });

  it.each([
    ['OpenAI', 429, { code: 'insufficient_quota', message: 'You exceeded your current quota.' }],
    ['Moonshot', 429, { type: 'exceeded_current_quota_error', message: 'Your account is suspended.' }],
    ['Zhipu', 429, { code: '1113', message: 'No balance.' }],
    ['DashScope', 400, { code: 'Arrearage', message: 'Access denied.' }],
    ['Anthropic', 400, { message: 'Your credit balance is too low to access the Anthropic API.' }],
    [
      'Gemini',
      400,
      { code: 400, message: 'API key not valid. Please pass a valid API key.', status: 'INVALID_ARGUMENT' },
    ],
    ['DeepSeek', 400, { message: 'Model Not Exist' }],
    ['Mistral', 400, { message: 'Invalid model: mistral-huge' }],
    ['OpenRouter', 400, { code: 400, message: 'x/y is not a valid model ID' }],
  ])("of the operator's account, key or model is no fault of the request: %s", (_whom, status, error) => {
    expect(refuse(status, { error })).toMatchObject({ status: 502, code: 'models.refused' });
  });

  it('does not pass on words that hold our key, wherever they stand', () => {
    const bodies = [{ message: 'Bad key sk-secret!' }, [saying('Bad key sk-secret!')], { error: 'Bad key sk-secret!' }];
    for (const body of bodies) {
      const error = refuse(400, body);
      expect(error.code).toBe('models.invalid_request');
      expect(`${error.message} ${error.param} ${error.cause}`).not.toContain('sk-secret');
    }
  });

  it.each(['', '<html>', '{}'])('of 404 is a bad response when its body is %j, no error object', (text) => {
    expect(refuse(404, text)).toMatchObject({ status: 502, code: 'models.bad_response' });
  });

  it('of an invalid request is passed on with its field', () => {
    expect(refuse(400, saying('Too long.', 'messages[1].content'))).toMatchObject({
      message: 'Too long.',
      param: 'messages[1].content',
      retryAfterMs: undefined,
    });
  });

  it('is cut to 500 characters', () => {
    expect(refuse(400, saying('x'.repeat(10_000))).message).toHaveLength(500);
    expect(refuse(400, saying(`${'x'.repeat(499)}😀`)).message).toBe(`${'x'.repeat(499)}\ufffd`);
  });

  it('is passed on without a field, and logged without a code, that are none', () => {
    const body = { error: { message: 'No.', param: 'x'.repeat(201), code: 'what the user said' } };
    const { param, cause } = refuse(400, body);
    expect([param, `${cause}`]).toEqual([undefined, 'ProviderRefused: the provider answered 400 (no code)']);
  });

  it('does not pass on words that hold our key', () => {
    const error = refuse(400, saying('Bad key sk-secret!', 'sk-secret'));
    expect(error.code).toBe('models.invalid_request');
    expect(`${error.message} ${error.param} ${error.cause}`).not.toContain('sk-secret');
  });

  it('is passed on without what cannot be stored', () => {
    const error = refuse(400, saying('half \ud800 and \0nothing', 'messages[1]\0.\udc00'));
    expect([error.message, error.param]).toEqual(['half \ufffd and nothing', 'messages[1].\ufffd']);
    expect(refuse(400, saying('\0', '\0'))).toMatchObject({
      message: 'The model provider refused the request as invalid.',
      param: undefined,
    });
  });

  it('does not pass on our key in pieces either', () => {
    const error = refuse(400, saying('Bad key sk-\0secret!', 'sk-\0secret'));
    expect(error.code).toBe('models.invalid_request');
    expect(`${error.message} ${error.param} ${error.cause}`).not.toContain('sk-secret');
  });

  it.each([
    ['1', 1_000],
    ['0', 0],
    ['60', 60_000],
    ['1.5', 1_500],
    ['Thu, 01 Jan 2026 00:00:07 GMT', 7_000],
    ['61', 5_000],
    ['-1', 5_000],
    ['999999999999999999999', 5_000],
    ['Thu, 01 Jan 2026 01:00:00 GMT', 5_000],
    ['Wed, 31 Dec 2025 23:59:59 GMT', 5_000],
    ['soon', 5_000],
    ['', 5_000],
  ])('with Retry-After %j is passed on as %i ms', (value, retryAfterMs) => {
    expect(refuse(429, saying('Slow down.'), { 'retry-after': value }).retryAfterMs).toBe(retryAfterMs);
  });

  it('without Retry-After has a time of ours', () => {
    expect(refuse(429).retryAfterMs).toBe(5_000);
  });
});
