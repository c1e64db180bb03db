import { setTimeout as sleep } from 'node:timers/promises';
import { inBackground } from '../../../../base/in-background.ts';
import type { Span } from '../../../../base/span.ts';
import type { Trouble } from '../../../../platform/log/index.ts';
import { sqlState } from '../../../../platform/postgres/index.ts';
import type { ChatBatches } from '../../batches.ts';
import type { TurnEnd } from './queries.ts';

/** What storing a turn's end needs. */
export interface StoreTurnEndOptions {
  readonly batches: ChatBatches;
  /** Is told of each try, of all turns of this process: each waits for the same database. */
  readonly trouble: Trouble;
  /** How long one try may take, in milliseconds. */
  readonly statementBudgetMs: number;
  readonly requestId: string;
  /** The step of a trace that started the turn. */
  readonly trace?: Span | undefined;
  /** Aborted when this process cannot wait any longer: what is tried next is the last try. */
  readonly lastTry: AbortSignal;
}

/** How a stored turn stands in its session. */
export interface StoredTurnEnd {
  /** The seq of the answer; null when nothing was written. */
  readonly seq: number | null;
  readonly endedAt: Date;
  /** Of the session; null when the first attempt stored it unheard. */
  readonly version: number | null;
}

/**
 * The pauses between tries, in milliseconds: about a minute in all, longer than a failover takes. None is so long that a
 * database which is back would wait for the answer until the turn is taken for dead.
 */
const pausesMs = [100, 250, 500, 1_000, 2_000, ...Array<number>(19).fill(3_000)];

/** Postgres does not take what it was given (SQLSTATE class 22), and never will. */
const isRefusedAsData = (error: unknown): boolean => sqlState(error)?.startsWith('22') === true;

/**
 * Stores how a turn ended, trying again while the database is away, for the answer is nowhere else. Answers undefined
 * when the turn is no longer this process's to end. Throws the last error when the database stays away, or this process
 * stops, and at once what Postgres refuses as data: whoever waits for the turn is told, and it is found dead later, with what
 * was stored of it.
 */
export async function storeTurnEnd(end: TurnEnd, options: StoreTurnEndOptions): Promise<StoredTurnEnd | undefined> {
  for (let attempt = 0; ; attempt++) {
    const isLast = options.lastTry.aborted;
    try {
      const [row] = await inBackground({ ...options, budgetMs: options.statementBudgetMs }, (context) =>
        options.batches.endTurn(end, context),
      );
      options.trouble.succeeded();
      if (row !== undefined) return { seq: row.answer_seq, endedAt: row.ended_at, version: row.version };
      // After a first try whose outcome was unknown, no row may mean that it had been stored.
      return attempt === 0 ? undefined : await findStoredEnd(end, options);
    } catch (error) {
      const pauseMs = pausesMs[attempt];
      if (pauseMs === undefined || isLast || isRefusedAsData(error)) throw error;
      options.trouble.failed({ err: error, turn_id: end.turnId, request_id: options.requestId });
      await sleep(pauseMs, undefined, { signal: options.lastTry }).catch(() => undefined);
    }
  }
}

async function findStoredEnd(end: TurnEnd, options: StoreTurnEndOptions): Promise<StoredTurnEnd | undefined> {
  const { userId, sessionId, turnId } = end;
  const [turn] = await inBackground({ ...options, budgetMs: options.statementBudgetMs }, (context) =>
    options.batches.findTurn({ userId, sessionId, turnId }, context),
  );
  if (turn === undefined || turn.ended_at === null || turn.answer_id !== end.messageId) return undefined;
  return { seq: turn.answer_seq, endedAt: turn.ended_at, version: null };
}
