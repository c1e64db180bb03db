import type { MessageRow } from './queries.ts';
import type { Message } from './schemas.ts';
import { type StoredToolCall, showToolCall } from './turns/tool-call.ts';

/** A message, as users read it. */
export function showMessage(sessionId: string, row: MessageRow): Message {
  return {
    id: row.id,
    object: 'chat.message',
    session_id: sessionId,
    turn_id: row.turn_id,
    seq: row.seq,
    role: row.role,
    content: row.content,
    tool_calls: ((row.tool_calls ?? []) as StoredToolCall[]).map(showToolCall),
    status: row.status,
    model: row.model,
    degraded: row.degraded,
    created_at: row.created_at.toISOString(),
  };
}

/** A message of a user's, as users read it. */
export function showQuestion(
  sessionId: string,
  question: Pick<MessageRow, 'id' | 'seq' | 'turn_id' | 'content' | 'created_at'>,
): Message {
  const unlikeAnswers = { role: 'user', tool_calls: null, status: 'complete', model: null, degraded: false };
  return showMessage(sessionId, { ...question, ...unlikeAnswers });
}
