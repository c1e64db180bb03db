import type { FastifyReply, FastifyRequest } from 'fastify';
import type { CallContext } from '../../../base/call-context.ts';
import { openEventStream } from '../../../platform/http/index.ts';
import { idempotencyErrors, markReplay } from '../../accounts/index.ts';
import type { Message } from '../schemas.ts';
import type { RunningTurn } from '../turns/running-turn.ts';
import type { StoredTurn } from '../turns/stored-turn.ts';
import type { TurnStart } from '../turns/turn-runner.ts';
import type { ChatRouteOptions } from './options.ts';

/** What answering with a turn needs. */
export interface TurnAnswer {
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
  readonly options: ChatRouteOptions;
}

/** Has what comes before the model take no longer than other requests do. */
export async function withinBudget<Result>(
  { context }: FastifyRequest,
  { requestBudgetMs }: ChatRouteOptions,
  work: (context: CallContext) => Promise<Result>,
): Promise<Result> {
  const deadline = context.deadline.shortenedTo(requestBudgetMs);
  return await work({ ...context, deadline }).finally(() => deadline.end());
}

/** Sends the events of a turn after a number until it ends or the client leaves; the turn itself goes on either way. */
export async function streamTurn(
  turn: RunningTurn | StoredTurn,
  afterId: number,
  { request, reply, options }: TurnAnswer,
): Promise<FastifyReply> {
  const stream = openEventStream(request, reply, { budgetMs: options.modelBudgetMs, errorEvent: 'error' });
  try {
    options.turns.follow(turn, stream.closed);
    for await (const { id, type, ...body } of turn.feed.read(stream.closed, afterId)) {
      await stream.send({ id, event: type, data: { type, ...body } });
    }
    stream.end();
  } catch (error) {
    stream.fail(error);
  }
  return reply;
}

/**
 * Answers with what comes of a turn: its message, or its events.
 * @throws AppError 409 `idempotency.in_progress` for the whole answer of a turn that an earlier request waits for.
 */
export async function answerTurn(
  { turn, replayed }: TurnStart,
  answer: TurnAnswer & { readonly stream: boolean },
): Promise<Message | FastifyReply> {
  const { request, reply, stream } = answer;
  if (replayed && !stream && !turn.hasEnded) throw idempotencyErrors.raise.in_progress();
  if (replayed) markReplay(reply);
  if (stream) return await streamTurn(turn, 0, answer);
  // From here on the message is stored: a client must not send it again on its own.
  reply.header('x-should-retry', 'false');
  const { message } = await request.context.deadline.race(turn.result);
  reply.removeHeader('x-should-retry');
  return message;
}
