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
