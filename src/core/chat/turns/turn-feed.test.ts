import { setImmediate as nextTurn } from 'node:timers/promises';
import { expect, it } from 'vitest';
import type { TurnEventBody } from './turn-event.ts';
import { TurnFeed } from './turn-feed.ts';

async function idsOf(feed: TurnFeed, signal: AbortSignal, afterId = 0): Promise<number[]> {
  const ids: number[] = [];
  await feed.read(signal, afterId, ({ id }) => void ids.push(id));
  return ids;
}

it('tells each reader every event after the one it names, as they come, until the end', async () => {
  const feed = new TurnFeed('turn');
  const { signal } = new AbortController();
  feed.append({ type: 'message.delta', delta: 'a' });
  const readers = [idsOf(feed, signal), idsOf(feed, signal, 1)];
  await nextTurn();
  feed.append({ type: 'message.delta', delta: 'b' });
  await nextTurn();
  feed.append({ type: 'message.delta', delta: 'c' });
  feed.end();
  expect(await Promise.all(readers)).toEqual([
    [1, 2, 3],
    [2, 3],
  ]);
});

it('ends a reader that leaves while it waits, and no other', async () => {
  const feed = new TurnFeed('turn');
  const leaving = new AbortController();
  const left = idsOf(feed, leaving.signal);
  const staying = idsOf(feed, new AbortController().signal);
  await nextTurn();
  leaving.abort();
  expect(await left).toEqual([]);
  feed.append({ type: 'message.delta', delta: 'a' });
  feed.end();
  expect(await staying).toEqual([1]);
});

it('tells nothing to a reader who has left already', async () => {
  const feed = new TurnFeed('turn');
  feed.append({ type: 'message.delta', delta: 'a' });
  const left = idsOf(feed, AbortSignal.abort());
  feed.end();
  expect(await left).toEqual([]);
});

const error = { type: 'error', error: { code: 'chat.turn_lost', message: '' } } as unknown as TurnEventBody;
const done: TurnEventBody = { type: 'turn.completed', status: 'completed', usage: null };

it.each([
  ['an error, by who has seen as many events as there are', error, { afterId: 2, ids: [3] }],
  ['an error, by who has seen more', error, { afterId: 5, ids: [6] }],
  ['a success, by who has seen more', done, { afterId: 5, ids: [6] }],
  ['no success, by who has seen it', done, { afterId: 2, ids: [] }],
])('tells how it ended: %s, once', async (_what, last, { afterId, ids }) => {
  const feed = new TurnFeed('turn');
  feed.append({ type: 'message.delta', delta: 'a' });
  const { signal } = new AbortController();
  const early = idsOf(feed, signal, afterId);
  feed.append(last);
  feed.end();
  expect([await early, await idsOf(feed, signal, afterId)]).toEqual([ids, ids]);
});
