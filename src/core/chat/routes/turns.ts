import type { FastifyRequest } from 'fastify';
import { type HttpServer, httpErrors } from '../../../platform/http/index.ts';
import { claimAndAnswer, readIdempotency } from '../../accounts/index.ts';
import { Message, RetryTurn, Turn, TurnParams } from '../schemas.ts';
import type { TurnKey, TurnRow } from '../turns/queries.ts';
import { usageOf } from '../turns/stored-turn.ts';
import { TurnEventData } from '../turns/turn-event.ts';
import { answerTurn, startTurn, streamTurn, withinBudget } from './answer-turn.ts';
import type { ChatRouteOptions } from './options.ts';

const tags = ['Turns'];

function toTurn(row: TurnRow): Turn {
  return {
    id: row.id,
    object: 'chat.turn',
    session_id: row.session_id,
    status: row.status,
    model: row.model,
    error_code: row.error_code,
    usage: usageOf(row),
    answer_seq: row.answer_seq,
    retried_by: row.retried_by,
    created_at: row.created_at.toISOString(),
    ended_at: row.ended_at?.toISOString() ?? null,
  };
}

function keyOf(
  request: FastifyRequest<{ Params: { session_id: string; turn_id: string } }>,
): TurnKey & { sessionId: string } {
  const { session_id: sessionId, turn_id: turnId } = request.params;
  return { userId: request.caller.userId, sessionId, turnId };
}

/** The number of the last event that the reader has seen; 0 for all. */
function readLastEventId(request: FastifyRequest): number {
  const text = request.headers['last-event-id'] ?? '0';
  if (typeof text === 'string' && /^\d{1,9}$/.test(text)) return Number(text);
  const problem = 'This must be the `id` of an event of this turn: a whole number.';
  throw httpErrors.raise.invalid_request({ problem }, { param: 'last-event-id' });
}

function registerGet(server: HttpServer, { turns }: ChatRouteOptions): void {
  server.get(
    '/v1/chat/sessions/:session_id/turns/:turn_id',
    {
      config: { access: 'chat:read' },
      schema: {
        tags,
        operationId: 'readTurn',
        summary: 'Read how a turn stands',
        params: TurnParams,
        response: { 200: Turn },
      },
    },
    async (request) => toTurn(await turns.read(keyOf(request), request.context)),
  );
}

function registerEvents(server: HttpServer, options: ChatRouteOptions): void {
  server.get(
    '/v1/chat/sessions/:session_id/turns/:turn_id/events',
    {
      config: { access: 'chat:read', budgetMs: options.modelBudgetMs, streams: TurnEventData },
      schema: {
        tags,
        operationId: 'readTurnEvents',
        summary: 'Read the events of a turn again, and on',
        description:
          'The same event stream as of the message, after the event whose `id` is sent as `Last-Event-ID`, else from the ' +
          'beginning; on any server, while the turn runs and after it. No event is left out or told twice.',
        params: TurnParams,
      },
    },
    async (request, reply) => {
      const afterId = readLastEventId(request);
      const turn = await withinBudget(request, options, (context) => options.turns.open(keyOf(request), context));
      return await streamTurn(turn, { afterId, isAnswer: false }, { request, reply, options });
    },
  );
}

function registerStop(server: HttpServer, { database, turns }: ChatRouteOptions): void {
  server.post(
    '/v1/chat/sessions/:session_id/turns/:turn_id/stop',
    {
      config: { access: 'chat:write' },
      schema: {
        tags,
        operationId: 'stopTurn',
        summary: 'Stop a turn',
        description:
          'What was written is kept as an incomplete message; that and the prompt are billed. A turn that has ended stays ' +
          'as it is. A turn whose server does not answer within seconds is answered as `running`: it stops when its ' +
          'server hears of it, or is marked as interrupted.',
        params: TurnParams,
        response: { 200: Turn },
      },
    },
    async (request, reply) =>
      await claimAndAnswer({ request, reply, database }, async () =>
        toTurn(await turns.stop(keyOf(request), request.context)),
      ),
  );
}

function registerRetry(server: HttpServer, options: ChatRouteOptions): void {
  const { turns, modelBudgetMs } = options;
  server.post(
    '/v1/chat/sessions/:session_id/turns/:turn_id/retry',
    {
      config: { access: 'chat:write', budgetMs: modelBudgetMs, streams: TurnEventData, answersWith: ['Location'] },
      schema: {
        tags,
        operationId: 'retryTurn',
        summary: 'Answer the message of a turn again',
        description:
          "Starts a turn that answers the same message, when this one is the session's last, failed, was interrupted or " +
          'stopped, and was not retried yet. Answers as sending a message does.',
        params: TurnParams,
        body: RetryTurn,
        response: { 200: Message },
      },
    },
    async (request, reply) => {
      const { sessionId, turnId: retriedId } = keyOf(request);
      const retry = { ...readIdempotency(request), sessionId, retriedId };
      const begun = await startTurn({ request, reply, options }, (context) =>
        turns.retry(request.caller, retry, context),
      );
      return await answerTurn(begun, { request, reply, stream: request.body.stream ?? false, options });
    },
  );
}

/** Registers the routes of turns. */
export function registerTurnRoutes(server: HttpServer, options: ChatRouteOptions): void {
  server.describeTag('Turns', 'Runs of an assistant: a message of yours in, tool calls, an answer out.');
  registerGet(server, options);
  registerEvents(server, options);
  registerStop(server, options);
  registerRetry(server, options);
}
