import type { FastifyReply, FastifyRequest } from 'fastify';
import { type HttpServer, ListOf } from '../../../platform/http/index.ts';
import { readIdempotency } from '../../accounts/index.ts';
import type { Assistants } from '../assistants.ts';
import { chatErrors } from '../errors.ts';
import { ChatAnswer, ChatRequest, ConversationParams, HistoryPageQuery, Message, UserParams } from '../schemas.ts';
import { awaitTurn, startTurn } from './answer-turn.ts';
import { setVersion, Unchanged } from './conditional-read.ts';
import type { ChatRouteOptions } from './options.ts';
import { readHistory } from './read-history.ts';

const tags = ['Conversations'];

/** Who answers in a new conversation when the request does not say: the todo list, or whoever is first without it. */
function findDefaultAssistant({ names }: Assistants): string | null {
  return names.includes('todo') ? 'todo' : (names.toSorted()[0] ?? null);
}

/** @throws AppError 404 for the address of another user, the same as for a conversation that does not exist. */
function refuseOthers(request: FastifyRequest, userId: string): void {
  if (userId !== request.caller.userId) throw chatErrors.raise.session_not_found();
}

/** Tells the state of the conversation after the answer, where it is known; the answer itself is to be kept by nobody. */
function describeState(reply: FastifyReply, version: number | undefined): void {
  if (version !== undefined) setVersion(reply, version);
  reply.headers({ 'cache-control': 'no-cache, no-store, must-revalidate', pragma: 'no-cache', expires: '0' });
}

function registerChat(server: HttpServer, options: ChatRouteOptions): void {
  const { turns, batches, assistants, modelBudgetMs } = options;
  const defaultAssistant = findDefaultAssistant(assistants);
  server.post(
    '/api/:user_id/chat',
    {
      config: { access: 'chat:write', budgetMs: modelBudgetMs, answersWith: ['ETag', 'Location'] },
      schema: {
        tags,
        operationId: 'sendConversationMessage',
        summary: 'Create or continue a conversation in one call',
        description:
          'A conversation is a chat session. Without `conversation_id` a new one is made, with the assistant that is named, ' +
          'else `todo`; a conversation keeps its assistant. The ETag is that of the messages of the conversation. `Location` names ' +
          'the turn, also when it fails: it can be retried there.',
        params: UserParams,
        body: ChatRequest,
        response: { 200: ChatAnswer },
      },
    },
    async (request, reply) => {
      refuseOthers(request, request.params.user_id);
      const { conversation_id: sessionId = null, message: content, assistant = defaultAssistant } = request.body;
      const asked = { ...readIdempotency(request), sessionId, assistant, content };
      const begun = await startTurn({ request, reply, options }, (context) =>
        turns.start(request.caller, asked, context),
      );
      const { message, version } = await awaitTurn(begun, { request, reply });
      const { userId, sessionId: id } = begun.turn.key;
      // What is stored by now is answered, also without its state: after an error, clients would send the message again.
      const findVersion = async () => (await batches.findSession({ userId, id }, request.context))[0]?.version;
      describeState(reply, version ?? (await findVersion().catch(() => undefined)));
      return { conversation_id: id, message, tool_calls: message.tool_calls };
    },
  );
}

/** Registers the routes of conversations: sessions, under the address of their user. */
export function registerConversationRoutes(server: HttpServer, options: ChatRouteOptions): void {
  server.describeTag('Conversations', 'Sessions under another name: create or continue one in a single call.');
  registerChat(server, options);
  const { batches } = options;
  server.get(
    '/api/:user_id/conversations/:conversation_id/messages',
    {
      config: { access: 'chat:read' },
      schema: {
        tags,
        operationId: 'listConversationMessages',
        summary: 'Read the messages of a conversation',
        description: 'As `GET /v1/chat/sessions/{session_id}/messages`.',
        params: ConversationParams,
        querystring: HistoryPageQuery,
        response: { 200: ListOf(Message), 304: Unchanged },
      },
    },
    async (request, reply) => {
      const { user_id: userId, conversation_id: sessionId } = request.params;
      refuseOthers(request, userId);
      return await readHistory(request, reply, { batches, sessionId });
    },
  );
}
