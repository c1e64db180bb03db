import { type BatchOptions, createBatch } from '../../platform/postgres/index.ts';
import { findSessions, type HistoryQuery, insertSessions, readHistories, type SessionKey } from './queries.ts';
import { findTurns, type TurnQuery } from './turns/queries.ts';
import { startTurns } from './turns/start/queries.ts';
import { endTurns, saveProgress } from './turns/store/queries.ts';

/**
 * Pages read by one statement: more would hold a connection for long, and all of its rows in memory. Fewer are a limit of
 * a far database: its ten connections run a hundred statements a second, of all kinds together.
 */
const MAX_PAGES = 500;

/** The statements of chat that many callers run at once. */
export type ChatBatches = ReturnType<typeof createChatBatches>;

/** Lets the callers of a server share the statements of chat. */
export function createChatBatches(options: BatchOptions) {
  return {
    insertSession: createBatch({ statement: insertSessions }, options),
    findSession: createBatch({ statement: findSessions, keyOf: (key: SessionKey) => key.userId + key.id }, options),
    readHistory: createBatch(
      { statement: readHistories, keyOf: (query: HistoryQuery) => JSON.stringify(query), maxInputs: MAX_PAGES },
      options,
    ),
    startTurn: createBatch({ statement: startTurns }, options),
    saveProgress: createBatch({ statement: saveProgress }, options),
    endTurn: createBatch({ statement: endTurns }, options),
    findTurn: createBatch(
      { statement: findTurns, keyOf: (query: TurnQuery) => JSON.stringify(query), maxInputs: MAX_PAGES },
      options,
    ),
  };
}
