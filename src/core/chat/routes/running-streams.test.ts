import type { FastifyRequest } from 'fastify';
import { expect, test } from 'vitest';
import { Deadline } from '../../../base/deadline.ts';
import { AppError } from '../../../base/errors.ts';
import type { ChatCompletionChunk } from '../../models/index.ts';
import type { StreamReader } from '../shared-stream.ts';
import { RunningStreams } from './running-streams.ts';

const inProgress = new AppError('idempotency.in_progress', { status: 409, message: 'It runs.' });

async function idsOf(reader: StreamReader): Promise<string[]> {
  const ids: string[] = [];
  await reader.read(({ id }) => void ids.push(id));
  return ids;
}

test('a stream that ends late does not take along the one that has got its key since', async () => {
  const running = new RunningStreams();
  const request = {
    caller: { userId: 'a' },
    headers: { 'idempotency-key': 'k' },
    body: {},
  } as unknown as FastifyRequest;
  const released = Promise.withResolvers<void>();
  const first: StreamReader['read'] = () => released.promise;
  const second: StreamReader['read'] = async (take) => {
    await take({ id: 'second', choices: [] as unknown } as ChatCompletionChunk);
  };
  const ending = idsOf(running.share(request, { read: first, deadline: Deadline.after(60_000) }));
  const successor = running.share(request, { read: second, deadline: Deadline.after(60_000) });
  released.resolve();
  expect(await ending).toEqual([]);

  const joined = running.join(request, inProgress);
  expect(await idsOf(joined)).toEqual(['second']);
  expect(await idsOf(successor)).toEqual(['second']);
  expect(() => running.join(request, inProgress)).toThrow(inProgress);
});
