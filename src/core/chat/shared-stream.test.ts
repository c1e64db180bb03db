import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, test } from 'vitest';
import { Cancelled, Deadline } from '../../base/deadline.ts';
import type { ChatCompletionChunk } from '../models/index.ts';
import { SharedStream, type StreamReader } from './shared-stream.ts';

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

const chunkOf = (content: string): ChatCompletionChunk => ({
  ...{ id: 'c', object: 'chat.completion.chunk', created: 0, model: 'm', usage: null },
  choices: [{ index: 0, delta: { content }, finish_reason: null }],
});

/** A source of so many chunks, and how many it was asked for. */
function repeat(times: number, chars: number) {
  const source = { fetched: 0 };
  const shared = new SharedStream(async (take) => {
    for (; source.fetched < times; ) {
      source.fetched++;
      // Each of its own: a repeated text would be kept once.
      await take(chunkOf(Buffer.alloc(chars, `${source.fetched} `).toString('latin1')));
    }
  }, Deadline.after(60_000));
  return { source, shared };
}

/** Reads one chunk after the other, each when it is asked for. */
function step({ read, leave }: StreamReader) {
  const chunks: ChatCompletionChunk[] = [];
  let goesOn = Promise.withResolvers<void>();
  let came = Promise.withResolvers<void>();
  let taken = 0;
  const ended = Promise.resolve().then(() =>
    read((chunk) => {
      chunks.push(chunk);
      came.resolve();
      return goesOn.promise;
    }),
  );
  ended.catch(() => undefined);
  return {
    ended,
    leave,
    /** The next chunk. */
    async next(): Promise<ChatCompletionChunk | undefined> {
      if (taken > 0) {
        came = Promise.withResolvers();
        const goOn = goesOn;
        goesOn = Promise.withResolvers();
        goOn.resolve();
      }
      taken++;
      await Promise.race([came.promise, ended]);
      return chunks.pop();
    },
  };
}

async function countOf({ read }: StreamReader): Promise<number> {
  let count = 0;
  await read(() => void count++);
  return count;
}

test('each reader gets all chunks from the beginning, whenever it joined', async () => {
  const { shared } = repeat(5, 4);
  const first = shared.join();
  const stepping = step(first);
  await stepping.next();
  await stepping.next();
  const second = shared.join();
  expect(await countOf(second)).toBe(5);
  for (let read = 2; read < 5; read++) expect(await stepping.next()).toBeDefined();
  expect(await stepping.next()).toBeUndefined();
  first.leave();
  expect(shared.isOpen).toBe(true);
  second.leave();
  expect(shared.isOpen).toBe(false);
});

test('a stream without end is kept no longer than can be joined, and goes on for its readers', async () => {
  const { shared } = repeat(200, 1024 * 1024);
  const [fast, slow] = [step(shared.join()), step(shared.join())];
  for (let read = 0; read < 10; read++) await fast.next();
  expect(shared.isOpen).toBe(true);
  for (let read = 10; read < 20; read++) await fast.next();
  expect(shared.isOpen).toBe(false);
  for (let read = 1; read <= 20; read++) {
    const chunk = await slow.next();
    expect(chunk?.choices[0]?.delta.content?.slice(0, 3)).toBe(`${read} ${read}`.slice(0, 3));
  }
  for (let read = 20; read < 150; read++) for (const reader of [fast, slow]) await reader.next();
  collectGarbage();
  expect(process.memoryUsage().heapUsed + process.memoryUsage().external).toBeLessThan(120 * 1024 * 1024);
});

test('a reader that has left reads no more, so that those who stay set the pace', async () => {
  const { shared, source } = repeat(200, 1024 * 1024);
  const [leaving, staying] = [step(shared.join()), step(shared.join())];
  await staying.next();
  await leaving.next();
  leaving.leave();
  await expect(leaving.ended).rejects.toThrow(Cancelled);
  expect(source.fetched).toBe(1);
  // Past what is kept: what all others have read is let go, whether or not it had read that.
  for (let read = 1; read < 20; read++) expect(await staying.next()).toBeDefined();
  expect(source.fetched).toBe(20);
});

test('a source is let go when nobody reads any more', async () => {
  const deadline = Deadline.after(60_000);
  const gone = Promise.withResolvers<unknown>();
  const shared = new SharedStream(async (take) => {
    await take(chunkOf('a'));
    gone.resolve(deadline.reason);
  }, deadline);
  const reader = step(shared.join());
  await reader.next();
  reader.leave();
  expect(await gone.promise).toBeInstanceOf(Cancelled);
});

test('a source that has more for readers who have all gone is told that nobody takes it', async () => {
  const deadline = Deadline.after(60_000);
  const handedOver = Promise.withResolvers<void>();
  const shared = new SharedStream((take) => {
    // Both came at once: the deadline's end cannot take the second one back.
    const handing = Promise.resolve(take(chunkOf('a'))).then(() => take(chunkOf('b')));
    handedOver.resolve(handing);
    return handing;
  }, deadline);
  const reader = step(shared.join());
  await reader.next();
  reader.leave();
  await expect(handedOver.promise).rejects.toThrow(Cancelled);
}, 5_000);
