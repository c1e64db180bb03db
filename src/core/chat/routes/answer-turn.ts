import type { FastifyReply, FastifyRequest } from 'fastify';
import type { CallContext } from '../../../base/call-context.ts';
import type { AppError } from '../../../base/errors.ts';
import { awaitAnswer, openEventStream } from '../../../platform/http/index.ts';
import { idempotencyErrors, markReplay, withoutBlindRetry } from '../../accounts/index.ts';
import type { Message } from '../schemas.ts';
import type { RunningTurn, TurnResult } from '../turns/running-turn.ts';
import type { TurnStart } from '../turns/start/turn-request.ts';
import type { StoredTurn } from '../turns/stored-turn.ts';
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

/**
 * Has a turn started, as `withinBudget`, and names it in the answer's `location`, whatever comes of it. When the time ends
 * meanwhile, the message is stored and answered all the same; when the reply to that is lost, it may be stored, too.
 */
export async function startTurn(
  { request, reply, options }: TurnAnswer,
  start: (context: CallContext) => Promise<TurnStart>,
): Promise<TurnStart> {
  request.context.deadline.throwIfEnded();
  const begun = await withoutBlindRetry({ request, reply }, () => withinBudget(request, options, start));
  const { sessionId, turnId } = begun.turn.key;
  reply.header('location', `/v1/chat/sessions/${sessionId}/turns/${turnId}`);
  return begun;
}

/** What a turn failed with, once it has ended. */
async function failureOf({ result }: RunningTurn | StoredTurn): Promise<AppError | undefined> {
  return await result.then(
    () => undefined,
    (error: AppError) => error,
  );
}

/**
 * Sends the events of a turn until it ends or the client leaves; the turn itself goes on either way. Where the events are the
 * answer, the failure of the turn is that of the request.
 */
export async function streamTurn(
  turn: RunningTurn | StoredTurn,
  { afterId, isAnswer }: { afterId: number; isAnswer: boolean },
  { request, reply, options }: TurnAnswer,
): Promise<FastifyReply> {
  const errorEvent = { type: 'error', turn_id: turn.key.turnId };
  const stream = openEventStream(request, reply, { budgetMs: options.modelBudgetMs, errorEvent });
  try {
    options.turns.follow(turn, stream.closed);
    await turn.feed.read(stream.closed, afterId, ({ id, type, ...body }) =>
      stream.send({ id, event: type, data: { type, ...body } }),
    );
    stream.end(isAnswer && turn.hasEnded ? await failureOf(turn) : undefined);
  } catch (error) {
    stream.fail(error);
  }
  return reply;
}

/**
 * What comes of a turn.
 * @throws AppError 409 `idempotency.in_progress` when an earlier request waits for it.
 */
export async function awaitTurn(
  { turn, replayed }: TurnStart,
  { request, reply }: Pick<TurnAnswer, 'request' | 'reply'>,
): Promise<TurnResult> {
  if (replayed && !turn.hasEnded) throw idempotencyErrors.raise.in_progress();
  if (replayed) markReplay(reply);
  // From here on the message is stored: a client must not send it again on its own.
  reply.header('x-should-retry', 'false');
  const { deadline, timings } = request.context;
  const startedMs = performance.now();
  const result = await awaitAnswer(request, () => deadline.race(turn.result)).finally(() =>
    timings.add('turn', performance.now() - startedMs),
  );
  reply.removeHeader('x-should-retry');
  return result;
}

/**
 * Answers with what comes of a turn: its message, or its events.
 * @throws AppError as `awaitTurn`, for its message.
 */
export async function answerTurn(
  start: TurnStart,
  answer: TurnAnswer & { readonly stream: boolean },
): Promise<Message | FastifyReply> {
  if (!answer.stream) return (await awaitTurn(start, answer)).message;
  if (start.replayed) markReplay(answer.reply);
  return await streamTurn(start.turn, { afterId: 0, isAnswer: true }, answer);
}
