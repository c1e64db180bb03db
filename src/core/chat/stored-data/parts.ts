import { firstId } from '../../../base/ids.ts';
import { storedPart } from '../../accounts/index.ts';
import { exportMessages, exportSessions, exportTurns } from './queries.ts';

/** What chat stores about a user. */
export const chatParts = [
  storedPart<{ id: string }>('chat_sessions', ({ userId, after, limit }) =>
    exportSessions({ userId, afterId: after?.id ?? firstId, limit }),
  ),
  storedPart<{ session_id: string; seq: number }>('chat_messages', ({ userId, after, limit }) =>
    exportMessages({ userId, sessionId: after?.session_id ?? firstId, seq: after?.seq ?? 0, limit }),
  ),
  storedPart<{ id: string }>('chat_turns', ({ userId, after, limit }) =>
    exportTurns({ userId, afterId: after?.id ?? firstId, limit }),
  ),
];
