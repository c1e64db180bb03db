import { expect, test } from 'vitest';
import { AnswerReader } from './answer-reader.ts';

const ANSWER = 'HTTP/1.1 200 OK\r\nETag: W/"v7"\r\nContent-Length: 5\r\n\r\nhello';

test('an answer is complete at its last byte, however it is cut', () => {
  for (let cut = 1; cut < ANSWER.length; cut++) {
    const reader = new AnswerReader();
    expect(reader.read(Buffer.from(ANSWER.slice(0, cut)))).toBe(false);
    expect(reader.read(Buffer.from(ANSWER.slice(cut)))).toBe(true);
    expect(reader).toMatchObject({ status: 200, etag: 'W/"v7"' });
    expect(reader.read(Buffer.from('HTTP/1.1 503 Busy\r\ncontent-length: 0\r\n\r\n'))).toBe(true);
    expect(reader).toMatchObject({ status: 503, etag: 'W/"v7"' });
  }
});

test('a 304 has no body, whatever length it tells', () => {
  expect(new AnswerReader().read(Buffer.from('HTTP/1.1 304 Not Modified\r\ncontent-length: 900\r\n\r\n'))).toBe(true);
});

test('an answer that cannot be understood is refused instead of counted', () => {
  const chunked = 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n';
  expect(() => new AnswerReader().read(Buffer.from(chunked))).toThrow('without Content-Length');
  expect(() => new AnswerReader().read(Buffer.from(`${ANSWER}!`))).toThrow('more than it was asked for');
});
