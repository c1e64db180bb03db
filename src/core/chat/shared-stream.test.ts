import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, test } from 'vitest';
import { Deadline } from '../../base/deadline.ts';
import type { ChatCompletionChunk } from '../models/index.ts';
import { SharedStream } from './shared-stream.ts';

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

const chunkOf = (content: string): ChatCompletionChunk => ({
  ...{ id: 'c', object: 'chat.completion.chunk', created: 0, model: 'm', usage: null },
  choices: [{ index: 0, delta: { content }, finish_reason: null }],
});

async function* repeat(times: number, chars: number): AsyncGenerator<ChatCompletionChunk> {
  // Each of its own: a repeated text would be kept once.
  for (let at = 0; at < times; at++) yield chunkOf(Buffer.alloc(chars, `${at} `).toString('latin1'));
}

test('each reader gets all chunks from the beginning, whenever it joined', async () => {
  const shared = new SharedStream(repeat(5, 4), Deadline.after(60_000));
  const first = shared.join();
  await first.chunks.next();
  await first.chunks.next();
  const second = shared.join();
  expect(await Array.fromAsync(second.chunks)).toHaveLength(5);
  expect(await Array.fromAsync(first.chunks)).toHaveLength(3);
  first.leave();
  expect(shared.isOpen).toBe(true);
  second.leave();
  expect(shared.isOpen).toBe(false);
});

test('a stream without end is kept no longer than can be joined, and goes on for its readers', async () => {
  const shared = new SharedStream(repeat(200, 1024 * 1024), Deadline.after(60_000));
  const [fast, slow] = [shared.join(), shared.join()];
  for (let read = 0; read < 10; read++) await fast.chunks.next();
  expect(shared.isOpen).toBe(true);
  for (let read = 10; read < 20; read++) await fast.chunks.next();
  expect(shared.isOpen).toBe(false);
  for (let read = 0; read < 20; read++) {
    const { value } = await slow.chunks.next();
    expect(value.choices[0]?.delta.content?.slice(0, 3)).toBe(`${read} ${read}`.slice(0, 3));
  }
  for (let read = 20; read < 150; read++) for (const { chunks } of [fast, slow]) await chunks.next();
  collectGarbage();
  expect(process.memoryUsage().heapUsed + process.memoryUsage().external).toBeLessThan(120 * 1024 * 1024);
});

test('a reader that has left reads no more, so that those who stay set the pace', async () => {
  let fetched = 0;
  async function* count(): AsyncGenerator<ChatCompletionChunk> {
    for await (const chunk of repeat(200, 1024 * 1024)) {
      fetched++;
      yield chunk;
    }
  }
  const shared = new SharedStream(count(), Deadline.after(60_000));
  const [leaving, staying] = [shared.join(), shared.join()];
  await staying.chunks.next();
  await leaving.chunks.next();
  leaving.leave();
  // As a route does that has not heard of it yet.
  expect((await leaving.chunks.next()).done).toBe(true);
  expect(fetched).toBe(1);
  // Past what is kept: what all others have read is let go, whether or not it had read that.
  for (let read = 1; read < 20; read++) expect((await staying.chunks.next()).done).toBe(false);
  expect(fetched).toBe(20);
});
