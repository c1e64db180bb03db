import { FIRST_ID } from '../../../base/ids.ts';
import { storedById, storedPart } from '../../accounts/index.ts';
import { exportMessages, exportSessions, exportTurns } from './queries.ts';

/** What chat stores about a user. */
export const chatParts = [
  storedById('chat_sessions', exportSessions),
  storedPart<{ session_id: string; seq: number }>('chat_messages', ({ userId, after, limit }) =>
    exportMessages({ userId, sessionId: after?.session_id ?? FIRST_ID, seq: after?.seq ?? 0, limit }),
  ),
  storedById('chat_turns', exportTurns),
];
