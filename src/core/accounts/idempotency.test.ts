import type { FastifyReply, FastifyRequest } from 'fastify';
import { expect, test, vi } from 'vitest';
import { Deadline } from '../../base/deadline.ts';
import { httpErrors } from '../../platform/http/index.ts';
import { withoutBlindRetry } from './idempotency.ts';

test('a client whose request the end of its server cut off is told not to send it again on its own', async () => {
  const deadline = Deadline.after(1_000);
  deadline.cancel(httpErrors.raise.shutting_down());
  const request = { headers: {}, context: { deadline } } as FastifyRequest;
  const header = vi.fn();
  const working = withoutBlindRetry({ request, reply: { header } as unknown as FastifyReply }, async () =>
    deadline.throwIfEnded(),
  );
  await expect(working).rejects.toMatchObject({ code: 'http.shutting_down' });
  expect(header.mock.calls).toEqual([['x-should-retry', 'false']]);
});
