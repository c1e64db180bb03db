import { type HttpServer, ListOf } from '../../../platform/http/index.ts';
import { readIdempotency } from '../../accounts/index.ts';
import { HistoryPageQuery, Message, PostMessage, SessionParams } from '../schemas.ts';
import { TurnEventData } from '../turns/turn-event.ts';
import { answerTurn, startTurn } from './answer-turn.ts';
import { Unchanged } from './conditional-read.ts';
import type { ChatRouteOptions } from './options.ts';
import { readHistory } from './read-history.ts';

const tags = ['Messages'];

function registerList(server: HttpServer, { batches }: ChatRouteOptions): void {
  server.get(
    '/v1/chat/sessions/:session_id/messages',
    {
      config: { access: 'chat:read' },
      schema: {
        tags,
        operationId: 'listMessages',
        summary: 'Read the messages of a chat session',
        description:
          'A page costs the same at any offset. It ends earlier than at `limit` where another message would make it more than ' +
          '4 MB of text and tool calls: `has_more` tells whether there is more. ' +
          'With `If-None-Match` and an ETag of before: 304 when nothing has changed.',
        params: SessionParams,
        querystring: HistoryPageQuery,
        response: { 200: ListOf(Message), 304: Unchanged },
      },
    },
    async (request, reply) => {
      const { session_id: sessionId } = request.params;
      return await readHistory(request, reply, { batches, sessionId });
    },
  );
}

function registerPost(server: HttpServer, options: ChatRouteOptions): void {
  const { turns, modelBudgetMs } = options;
  server.post(
    '/v1/chat/sessions/:session_id/messages',
    {
      config: { access: 'chat:write', budgetMs: modelBudgetMs, streams: TurnEventData, answersWith: ['Location'] },
      schema: {
        tags,
        operationId: 'sendMessage',
        summary: 'Send a message and get the answer',
        description:
          'The message is stored before the model is asked. With `stream: true` the answer comes as server-sent events ' +
          '`turn.started`, `message.delta`, `tool.started`, `tool.finished`, `message.completed`, `turn.completed` or `error`, and ends with `[DONE]`. ' +
          'A stream that has to end before its turn does so with an `error` that has no `id`, without `[DONE]`: read on at `…/events`. ' +
          'A client that leaves does not stop the turn: read the history later. `Location` names the turn, ' +
          'also when it fails: it can be retried there.',
        params: SessionParams,
        body: PostMessage,
        response: { 200: Message },
      },
    },
    async (request, reply) => {
      const { content, stream = false } = request.body;
      const message = { ...readIdempotency(request), sessionId: request.params.session_id, content };
      const begun = await startTurn({ request, reply, options }, (context) =>
        turns.start(request.caller, message, context),
      );
      return await answerTurn(begun, { request, reply, stream, options });
    },
  );
}

/** Registers the routes of messages. */
export function registerMessageRoutes(server: HttpServer, options: ChatRouteOptions): void {
  server.describeTag('Messages', 'What was said in sessions, and saying more.');
  registerList(server, options);
  registerPost(server, options);
}
