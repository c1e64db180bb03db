import type { FastifyRequest } from 'fastify';
import type { Deadline } from '../../../base/deadline.ts';
import { AppError } from '../../../base/errors.ts';
import { readIdempotency } from '../../accounts/index.ts';
import { SharedStream, type StreamReader } from '../shared-stream.ts';

const nameOf = (request: FastifyRequest): string =>
  `${request.caller.userId} ${readIdempotency(request).idempotencyKey}`;

/** The streams that run here and have an Idempotency-Key. The same request again joins, where it would be refused as running. */
export class RunningStreams {
  readonly #running = new Map<string, SharedStream>();
  readonly #claiming = new Map<string, Promise<unknown>>();

  /**
   * Claims the key of a request, after a claim of the same key that is under way here: what that leads to runs by the time at
   * which the second one is refused.
   */
  async claim<Result>(request: FastifyRequest, claimKey: () => Promise<Result>): Promise<Result> {
    if (readIdempotency(request).idempotencyKey === null) return await claimKey();
    const name = nameOf(request);
    const earlier = this.#claiming.get(name);
    if (earlier !== undefined) await request.context.deadline.race(earlier).catch(() => undefined);
    const claim = claimKey();
    this.#claiming.set(name, claim);
    try {
      return await claim;
    } finally {
      if (this.#claiming.get(name) === claim) this.#claiming.delete(name);
    }
  }

  /** Has others join what a request reads, until it ends. */
  share(request: FastifyRequest, { read, deadline }: { read: StreamReader['read']; deadline: Deadline }): StreamReader {
    const name = nameOf(request);
    const running = this.#running;
    const readToEnd: StreamReader['read'] = async (take) => {
      try {
        await read(take);
      } finally {
        // Its end may take until after another request has got the key and runs by the same name.
        if (running.get(name) === shared) running.delete(name);
      }
    };
    const shared = new SharedStream(readToEnd, deadline);
    running.set(name, shared);
    return shared.join();
  }

  /** @throws what refused the request, unless that was that it is running, and it runs here. */
  join(request: FastifyRequest, refusal: unknown): StreamReader {
    const isRunning = refusal instanceof AppError && refusal.code === 'idempotency.in_progress';
    const shared = isRunning ? this.#running.get(nameOf(request)) : undefined;
    if (!shared?.isOpen) throw refusal;
    return shared.join();
  }
}
