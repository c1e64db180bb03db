import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { ChunkReader } from './chunk-reader.ts';

function event(content: string, finishReason: string | null = null): string {
  return `data: ${JSON.stringify({ choices: [{ index: 0, delta: { content }, finish_reason: finishReason }] })}`;
}

/** The text that comes out when bytes are fed in these pieces. */
function read(pieces: readonly Uint8Array[]): { text: string; reader: ChunkReader } {
  const reader = new ChunkReader(1);
  let text = '';
  const take = () => {
    for (const chunk of reader.chunks()) text += chunk.choices[0]?.delta.content ?? '';
  };
  for (const piece of pieces) {
    reader.feed(piece);
    take();
  }
  reader.end();
  take();
  return { text, reader };
}

describe('a reader of chunks', () => {
  it.each([-1, 1])('is not taken in by the end of choice %i, which nobody asked for', (index) => {
    const other = `data: ${JSON.stringify({ choices: [{ index, delta: {}, finish_reason: 'stop' }] })}\n\n`;
    expect(read([Buffer.from(`${event('half')}\n\n${other}`)]).reader.isComplete).toBe(false);
    expect(read([Buffer.from(`${event('all', 'stop')}\n\n${other}`)]).reader.isComplete).toBe(true);
  });

  it('has a whole answer when the provider says so, though not why it ended', () => {
    const half = `${event('all')}\n\n`;
    expect(read([Buffer.from(half)]).reader.isComplete).toBe(false);
    expect(read([Buffer.from(`${half}data: [DONE]\n\n`)]).reader.isComplete).toBe(true);
  });

  it('gives the same text however the bytes are cut and lines are ended', () => {
    const words = fc.array(fc.string({ unit: 'binary' }), { minLength: 1, maxLength: 8 });
    const cuts = fc.array(fc.nat(), { maxLength: 40 });
    const ends = fc.constantFrom('\n', '\r\n', '\r');
    fc.assert(
      fc.property(words, cuts, ends, (contents, at, end) => {
        const lines = [': comment', ...contents.map((content) => event(content)), event('', 'stop'), 'data: [DONE]'];
        const bytes = Buffer.from(lines.map((line) => line + end + end).join(''));
        const edges = [...new Set(at.map((edge) => edge % bytes.length))].sort((a, b) => a - b);
        const pieces = [...edges, bytes.length].map((edge, index) => bytes.subarray(edges[index - 1] ?? 0, edge));
        const { text, reader } = read(pieces);
        expect(text).toBe(contents.join(''));
        expect(reader.isDone).toBe(true);
      }),
    );
  });

  it('reads a last event that lacks its empty line', () => {
    const { text, reader } = read([Buffer.from(event('end', 'stop'))]);
    expect(text).toBe('end');
    expect(reader.isComplete).toBe(true);
  });

  // Blanks that end the line, as the openai packages take it.
  it('is done by a [DONE] that blanks follow', () => {
    const { text, reader } = read([Buffer.from(`${event('all', 'stop')}\n\ndata: [DONE] \n\n`)]);
    expect([text, reader.isDone]).toEqual(['all', true]);
  });

  it('is not complete before each choice has ended', () => {
    const reader = new ChunkReader(2);
    const both = [0, 1].map((index) => `data: ${JSON.stringify({ choices: [{ index, finish_reason: 'stop' }] })}\n\n`);
    reader.feed(Buffer.from(both[0] ?? ''));
    expect([...reader.chunks()]).toHaveLength(1);
    expect(reader.isComplete).toBe(false);
    reader.feed(Buffer.from(both[1] ?? ''));
    expect([...reader.chunks()]).toHaveLength(1);
    expect(reader.isComplete).toBe(true);
  });

  it.each([
    ['bytes that are not UTF-8', Buffer.from(`${event('caf\xe9')}\n\n`, 'latin1')],
    ['something else than an object', Buffer.from('data: 7\n\n')],
    ['an object without choices', Buffer.from('data: {"id":"x"}\n\n')],
    ['a choice that is null', Buffer.from('data: {"choices":[null]}\n\n')],
    ['text that is no string', Buffer.from('data: {"choices":[{"index":0,"delta":{"content":7}}]}\n\n')],
    ['tool calls that are no list', Buffer.from('data: {"choices":[{"index":0,"delta":{"tool_calls":{}}}]}\n\n')],
  ])('refuses %s', (_what, bytes) => {
    const pieces = [Buffer.from(`${event('good')}\n\n`), bytes];
    expect(() => read(pieces)).toThrow(expect.objectContaining({ code: 'models.bad_response' }));
  });

  it.each([
    ['a line', 'x'.repeat(1024)],
    ['an event', `data: ${'x'.repeat(1023)}\n`],
  ])('refuses %s without an end beyond a megabyte, and not before', (_what, kilobyte) => {
    const reader = new ChunkReader(1);
    reader.feed(Buffer.from('data: \ndata: '));
    for (let fed = 0; fed < 1023; fed += 1) reader.feed(Buffer.from(kilobyte));
    expect([...reader.chunks()]).toEqual([]);
    reader.feed(Buffer.from(kilobyte.repeat(2)));
    expect(() => [...reader.chunks()]).toThrow(expect.objectContaining({ code: 'models.bad_response' }));
  });

  it('passes over what says nothing, and gives what it cost also without choices', () => {
    const usage = { prompt_tokens: 7, completion_tokens: 3, total_tokens: 10 };
    const said = [{ choices: null }, { choices: [] }, { choices: [], usage: null }, { usage }];
    const reader = new ChunkReader(1);
    reader.feed(Buffer.from(said.map((chunk) => `data: ${JSON.stringify(chunk)}\n\n`).join('')));
    expect([...reader.chunks()]).toEqual([{ choices: [], usage }]);
    expect(reader.isComplete).toBe(false);
  });

  it('gives what came before an error first', () => {
    const reader = new ChunkReader(1);
    reader.feed(Buffer.from(`${event('good')}\n\ndata: {"error":{"message":"x"}}\n\n`));
    const chunks = reader.chunks();
    expect(chunks.next().value).toMatchObject({ choices: [{ delta: { content: 'good' } }] });
    expect(() => chunks.next()).toThrow(expect.objectContaining({ code: 'models.provider_error' }));
  });

  it('leaves out usage that is no count', () => {
    const reader = new ChunkReader(1);
    const usage = '{"prompt_tokens":-1,"completion_tokens":"2"}';
    reader.feed(Buffer.from(`data: {"choices":[{"index":0}],"usage":${usage}}\n\n`));
    expect([...reader.chunks()][0]?.usage).toBeNull();
  });
});
