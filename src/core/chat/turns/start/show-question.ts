import type { Message } from '../../schemas.ts';
import { showMessage } from '../../show-message.ts';
import type { StartedTurn } from './queries.ts';

/** The message that a turn answers, as users read it. */
export function showQuestion(sessionId: string, started: StartedTurn, content: string): Message {
  return showMessage(sessionId, {
    ...{ id: started.message_id, seq: started.seq, created_at: new Date(started.created_at), role: 'user', content },
    ...{ turn_id: started.message_turn_id ?? started.turn_id, tool_calls: null, status: 'complete', model: null },
    degraded: false,
  });
}
