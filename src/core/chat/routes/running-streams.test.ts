import type { FastifyRequest } from 'fastify';
import { expect, test } from 'vitest';
import { Deadline } from '../../../base/deadline.ts';
import { AppError } from '../../../base/errors.ts';
import type { ChatCompletionChunk } from '../../models/index.ts';
import { RunningStreams } from './running-streams.ts';

const inProgress = new AppError('idempotency.in_progress', { status: 409, message: 'It runs.' });

test('a stream that ends late does not take along the one that has got its key since', async () => {
  const running = new RunningStreams();
  const request = {
    caller: { userId: 'a' },
    headers: { 'idempotency-key': 'k' },
    body: {},
  } as unknown as FastifyRequest;
  const released = Promise.withResolvers<void>();
  async function* first(): AsyncGenerator<ChatCompletionChunk> {
    await released.promise;
    yield* [];
  }
  async function* second(): AsyncGenerator<ChatCompletionChunk> {
    yield { id: 'second', choices: [] as unknown } as ChatCompletionChunk;
  }
  const ending = running.share(request, { chunks: first(), deadline: Deadline.after(60_000) }).chunks.next();
  const successor = running.share(request, { chunks: second(), deadline: Deadline.after(60_000) });
  released.resolve();
  await ending;

  const joined = running.join(request, inProgress);
  expect(await Array.fromAsync(joined.chunks)).toMatchObject([{ id: 'second' }]);
  expect(await Array.fromAsync(successor.chunks)).toMatchObject([{ id: 'second' }]);
  expect(() => running.join(request, inProgress)).toThrow(inProgress);
});
