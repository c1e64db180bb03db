import { Readable } from 'node:stream';
import { Type } from 'typebox';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { connectRaw, createTestServer, listen, type TestServer } from '../../../test/harness/http-server.ts';
import type { AppError } from '../../base/errors.ts';
import { parseJsonBody } from './json-body.ts';

const parse = (text: string | Uint8Array) => parseJsonBody(Buffer.from(text));

/** The field that a body is refused for, of which the message tells too. */
function faultOf(text: string | Uint8Array): string | undefined {
  try {
    parse(text);
  } catch (thrown) {
    const error = thrown as AppError;
    expect(error.status).toBe(400);
    expect(error.code).toMatch(/^http\.(malformed_json|invalid_request)$/);
    if (error.code === 'http.invalid_request') expect(error.message).toContain(`\`${error.param}\` `);
    return error.param;
  }
  return 'accepted';
}

describe('parseJsonBody', () => {
  test('reads an object as JSON.parse does, the last of two equal keys included', () => {
    const text = '{"a":[1,-1.5,"é\\ud83d\\ude00",null,true,{"b":{}}],"c":1,"c":9007199254740991}';
    expect(parse(text)).toEqual(JSON.parse(text));
    expect(parse('')).toBeUndefined();
  });

  test('takes a magnitude, as tools bound their numbers by: it loses no digits', () => {
    const text = '{"minimum":-1.7976931348623157e+308,"maximum":3.4028234663852886e+38}';
    expect(JSON.stringify(parse(text))).toBe(text);
  });

  test.each([
    ['truncated', '{"a":', 'body'],
    ['trailing text', '{} x', 'body'],
    ['invalid UTF-8', Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]), 'body'],
    ['NaN', '{"a":NaN}', 'body'],
    ['an array', '[]', 'body'],
    ['a string', '"a"', 'body'],
    ['null', 'null', 'body'],
    ['NUL', '{"a":{"b":["x","\\u0000"]}}', 'a.b[1]'],
    ['NUL in a name', '{"a\\u0000":1}', 'a\0'],
    ['a lone surrogate', '{"messages":[{"content":"\\ud800"}]}', 'messages[0].content'],
    ['infinity', '{"a":1e400}', 'a'],
    ['2^53 + 1', '{"a":9007199254740993}', 'a'],
    ['minus zero', '{"a":[0,-0]}', 'a[1]'],
    ['__proto__', '{"a":{"__proto__":{"x":1}}}', 'a.__proto__'],
    ['constructor.prototype', '{"constructor":{"prototype":{}}}', 'constructor'],
  ])('refuses %s and names where', (_name, text, param) => {
    expect(faultOf(text)).toBe(param);
  });

  test('takes 64 levels and 100,000 values, and not one more', () => {
    const nested = (levels: number) => `{"a":${'['.repeat(levels - 1)}${']'.repeat(levels - 1)}}`;
    expect(faultOf(nested(64))).toBe('accepted');
    expect(faultOf(nested(65))).toMatch(/^a\[0\]/);
    expect(faultOf(nested(10_000))).toMatch(/^a\[0\]/);
    const wide = (values: number) => `{"a":[${'0,'.repeat(values - 3)}0]}`;
    expect(faultOf(wide(100_000))).toBe('accepted');
    expect(faultOf(wide(100_001))).toBe('a[99998]');
  });

  test('quotes nothing of the body in its error', () => {
    const error = (() => {
      try {
        return parse('{"a": canary-value}');
      } catch (thrown) {
        return thrown as Error;
      }
    })() as Error;
    expect(`${error.message}${error.stack}${error.cause}`).not.toContain('canary');
  });
});

describe('over HTTP', () => {
  let made: TestServer;
  let port: number;
  const Body = Type.Object({ title: Type.String() }, { additionalProperties: false });
  beforeAll(async () => {
    made = createTestServer((server) => {
      server.post('/things', { config: { access: 'public' }, schema: { body: Body } }, async (request) => request.body);
      server.delete('/things', { config: { access: 'public' } }, async () => ({ deleted: true }));
    });
    port = await listen(made.server);
  });
  afterAll(() => made.server.close());

  const post = (payload: string | Buffer, headers: Record<string, string> = {}) =>
    made.server.inject({
      method: 'POST',
      url: '/things',
      payload,
      headers: { 'content-type': 'application/json', ...headers },
    });

  test.each([
    [{ 'content-type': 'text/plain' }, 'content-type'],
    [{ 'content-type': 'application/x-www-form-urlencoded' }, 'content-type'],
    [{ 'content-type': 'application/json; charset=latin1' }, 'content-type'],
    [{ 'content-type': 'application/jsonx' }, 'content-type'],
    [{ 'content-encoding': 'gzip' }, 'content-encoding'],
    [{ 'content-encoding': 'br' }, 'content-encoding'],
  ])('refuses %j with 415', async (headers, param) => {
    const answer = await post('{"title":"x"}', headers);
    expect(answer.statusCode).toBe(415);
    expect(answer.json().error).toMatchObject({ code: 'http.unsupported_media_type', param });
  });

  test.each(['application/json', 'application/json; charset=utf-8', 'Application/JSON;charset="UTF-8"'])(
    'takes a body as %s',
    async (type) => {
      expect((await post('{"title":"x"}', { 'content-type': type })).statusCode).toBe(200);
    },
  );

  test('a body without a content type is refused with 415, and no body with 400 naming the body', async () => {
    const untyped = await fetch(`http://127.0.0.1:${port}/things`, {
      method: 'POST',
      body: Buffer.from('{"title":"x"}'),
    });
    expect(untyped.status).toBe(415);
    const empty = await made.server.inject({ method: 'POST', url: '/things' });
    expect(empty.statusCode).toBe(400);
    expect(empty.json().error.param).toBe('body');
    expect((await post('')).json().error.param).toBe('body');
  });

  test('a body of the limit is read and one byte more is 413, chunked too', async () => {
    const body = (bytes: number) => `{"title":"${'x'.repeat(bytes - 12)}"}`;
    expect((await post(body(10_000))).statusCode).toBe(200);
    const over = await post(body(10_001));
    expect(over.statusCode).toBe(413);
    expect(over.json().error).toMatchObject({
      code: 'http.body_too_large',
      message: expect.stringContaining('10000 bytes'),
    });
    const chunk = body(10_001);
    const client = connectRaw(
      port,
      `POST /things HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n${chunk.length.toString(16)}\r\n${chunk}\r\n`,
    );
    expect(await client.until(/body_too_large/)).toMatch(/^HTTP\/1\.1 413 /);
    client.socket.destroy();
  });

  test('a public route takes 64 KiB at most, chunked too, where others take more', async () => {
    const roomy = createTestServer(
      (server) => void server.post('/open', { config: { access: 'public' }, schema: { body: Body } }, async () => ({})),
      { bodyLimitBytes: 1_048_576 },
    );
    const open = (bytes: number, isChunked = false) => {
      const payload = `{"title":"${'x'.repeat(bytes - 12)}"}`;
      const headers = { 'content-type': 'application/json' };
      const body = isChunked ? Readable.from([payload]) : payload;
      return roomy.server.inject({ method: 'POST', url: '/open', headers, payload: body });
    };
    const answers = [await open(65_536), await open(65_537), await open(65_537, true)];
    expect(answers.map(({ statusCode }) => statusCode)).toEqual([200, 413, 413]);
    expect(answers[1]?.json().error.message).toContain('65536 bytes');
    await roomy.server.close();
  });

  test('a client that sends far more than the limit still reads its 413', async () => {
    const answer = await fetch(`http://127.0.0.1:${port}/things`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: Buffer.alloc(5_000_000, 120),
    });
    expect(answer.status).toBe(413);
  });

  test('a DELETE takes no notice of a body, of whatever type, nor of an empty one that is called JSON', async () => {
    for (const [payload, type] of [
      ['', 'application/json'],
      ['{"x":1}', 'application/json'],
      ['hello', 'text/plain'],
    ]) {
      const answer = await made.server.inject({
        method: 'DELETE',
        url: '/things',
        payload: payload as string,
        headers: { 'content-type': type as string },
      });
      expect(answer.statusCode, type).toBe(200);
    }
  });
});
