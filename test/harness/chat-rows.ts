import type { Client } from 'pg';
import { beforeAll, beforeEach } from 'vitest';
import { newId } from '../../src/base/ids.ts';
import { findSessions, insertSessions, type NewSession } from '../../src/core/chat/queries.ts';
import { type NewTurn, startTurns } from '../../src/core/chat/turns/start/queries.ts';
import type { TurnEnd, TurnProgress } from '../../src/core/chat/turns/store/queries.ts';
import type { Statement } from '../../src/platform/postgres/index.ts';
import { insertUser } from './insert-user.ts';
import { testContext } from './test-context.ts';
import { useTestDatabase } from './test-database.ts';

const once = { keyId: null, ip: null, idempotencyKey: null, fingerprint: null };

/** A database for the file, the product's way to it, and connections that go around the product. */
function useDatabase() {
  const { database, postgres } = useTestDatabase();
  const clients = {} as { admin: Client; holder: Client };
  beforeAll(async () => {
    [clients.admin, clients.holder] = await Promise.all([database.connect(), database.connect()]);
  });
  return Object.assign(clients, { postgres });
}

/** A user's rows, as the statements take them. */
function rowsOf(user: { readonly userId: string }) {
  return {
    newSession(more: Partial<NewSession> = {}): NewSession {
      const { userId } = user;
      return { ...once, userId, id: newId(), title: null, assistant: null, model: null, activityId: newId(), ...more };
    },
    newTurn(sessionId: string, more: Partial<NewTurn> = {}): NewTurn {
      const { userId } = user;
      const ids = { turnId: newId(), messageId: newId(), activityId: newId(), sessionActivityId: newId() };
      const session = { userId, sessionId, isNewSession: false, assistant: null };
      return { ...once, ...ids, ...session, content: 'Hi', defaultModel: 'usual', owner: userId, ...more };
    },
    endOf({ userId, turnId, sessionId, owner }: NewTurn): TurnEnd {
      return {
        ...{ userId, sessionId, turnId, owner, lastHeartbeatAt: null, status: 'completed', messageId: newId() },
        ...{ content: 'Hello', deltaChars: '{5}', toolCalls: null, model: null, degraded: false, activityId: newId() },
        ...{ errorCode: null, errorMessage: null, promptTokens: null, completionTokens: null, usedModel: null },
      };
    },
    progressOf({ userId, turnId, owner }: NewTurn): TurnProgress {
      return { userId, turnId, owner, savedPieces: 0, addition: '', deltaChars: '{}', toolCalls: null };
    },
  };
}

/** For tests of statements on sessions and turns: a database for the file, a user for each test, and the user's rows. */
export function useChatRows() {
  const database = useDatabase();
  const user = { userId: '' };
  const { newSession, newTurn, ...rows } = rowsOf(user);

  beforeEach(async () => {
    user.userId = await insertUser(database.postgres);
  });

  const query = <Row extends object>(statement: Statement<Row>): Promise<Row[]> =>
    database.postgres.query(statement, testContext());

  async function createSessions(count: number, more: Partial<NewSession> = {}): Promise<string[]> {
    const sessions = Array.from({ length: count }, () => newSession(more));
    await query(insertSessions(sessions));
    return sessions.map(({ id }) => id);
  }

  /** Starts a turn in a session of its own. */
  async function startTurn(): Promise<NewTurn> {
    const [sessionId = ''] = await createSessions(1);
    const turn = newTurn(sessionId);
    await query(startTurns([turn]));
    return turn;
  }

  async function versionOf(id: string): Promise<number> {
    const [session] = await query(findSessions([{ userId: user.userId, id }]));
    return session?.version ?? 0;
  }

  return { database, user, query, newSession, createSessions, newTurn, startTurn, versionOf, ...rows };
}
