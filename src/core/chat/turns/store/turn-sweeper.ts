import { newId } from '../../../../base/ids.ts';
import { inBackground } from '../../../../base/in-background.ts';
import type { Clock } from '../../../../base/time.ts';
import { type Logger, Trouble } from '../../../../platform/log/index.ts';
import type { Database } from '../../../../platform/postgres/index.ts';
import { chatErrors } from '../../errors.ts';
import type { StoredToolCall } from '../tool-call.ts';
import { cutOff } from '../turn-draft.ts';
import type { TurnObserver } from '../turn-observer.ts';
import { endTurns, listDeadTurns } from './queries.ts';

/** How long a turn's owner may be silent before the turn counts as dead, in milliseconds. */
const SILENT_MS = 12_000;

/** How often dead turns are looked for, in milliseconds. With `SILENT_MS` this makes 15 s at the most. */
const SWEEP_INTERVAL_MS = 3_000;

/**
 * Looks further apart than this, in milliseconds, say that one between them failed, which makes it twice the interval, or that
 * this process stood still. By the database's clock, they say that it was set. Much less would take a busy moment for that.
 */
const MAX_GAP_MS = 5_000;

/** Turns ended by one statement, each with all of its text. */
const MAX_TURNS = 100;

/** The tool calls of a turn as JSON, with those that its server's end cut off answered. */
function closeCalls(calls: readonly StoredToolCall[]): string | null {
  if (calls.length === 0) return null;
  return JSON.stringify(calls.map((call) => (call.is_error === undefined ? { ...call, ...cutOff } : call)));
}

/** What looking for dead turns needs. */
export interface TurnSweeperOptions extends TurnObserver {
  readonly database: Database;
  readonly log: Logger;
  readonly clock: Clock;
  readonly statementBudgetMs: number;
}

/**
 * Marks turns as interrupted whose server process died, and makes a message of what was stored of their answer. Every
 * process looks for the dead turns of all, its own among them, since one whose start was stored unheard is run by nobody; who
 * is first to mark one wins.
 *
 * When the database was away, no owner could be heard, and the answers of some are finished; when its clock was set, all seem
 * silent. So after looks that were too far apart, none is taken for dead until this process has looked for as long as an owner
 * may be silent.
 */
export class TurnSweeper {
  readonly #options: TurnSweeperOptions;
  readonly #trouble: Trouble;
  #timer: NodeJS.Timeout | undefined;
  #sweeping: Promise<void> | undefined;
  /** When the last look succeeded, and from when on turns may be taken for dead, on the monotonic clock. */
  #lookedMs: number;
  #endsFromMs = 0;
  /** When the last look was, by the database's clock. */
  #databaseMs: number | undefined;

  constructor(options: TurnSweeperOptions) {
    this.#options = options;
    this.#trouble = new Trouble(options.log, {
      begins: 'could not look for dead turns; trying again',
      ends: 'dead turns are looked for again',
    });
    this.#lookedMs = options.clock.monotonicMs();
  }

  /** Starts to look, every few seconds. */
  start(): void {
    this.#timer = setInterval(() => {
      this.#sweeping ??= this.#sweepQuietly().finally(() => {
        this.#sweeping = undefined;
      });
    }, SWEEP_INTERVAL_MS).unref();
  }

  /** Stops looking, after the search that is under way. */
  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await this.#sweeping;
  }

  /** Looks once; answers how many turns it marked. */
  async sweep(): Promise<number> {
    const { database, log, clock, statementBudgetMs, observeTurn } = this.#options;
    return await inBackground({ budgetMs: statementBudgetMs }, async (context) => {
      const rows = await database.query(listDeadTurns({ silentMs: SILENT_MS, limit: MAX_TURNS }), context);
      const dead = rows.filter(({ id }) => id !== null);
      const nowMs = clock.monotonicMs();
      const databaseMs = rows.at(-1)?.now_ms ?? 0;
      if (this.#isFarApart(nowMs, databaseMs)) this.#endsFromMs = nowMs + SILENT_MS;
      this.#databaseMs = databaseMs;
      if (dead.length === 0 || nowMs < this.#endsFromMs) {
        this.#lookedMs = nowMs;
        return 0;
      }
      const interrupted = chatErrors.raise.turn_interrupted();
      const ends = dead.map((turn) => ({
        userId: turn.user_id,
        sessionId: turn.session_id,
        turnId: turn.id,
        owner: turn.owner,
        lastHeartbeatAt: turn.heartbeat_at,
        status: 'interrupted' as const,
        messageId: newId(),
        content: turn.partial,
        deltaChars: `{${turn.delta_chars}}`,
        toolCalls: closeCalls(turn.tool_calls as StoredToolCall[]),
        model: null,
        degraded: false,
        errorCode: interrupted.code,
        errorMessage: interrupted.message,
        promptTokens: null,
        completionTokens: null,
        usedModel: null,
        activityId: newId(),
      }));
      const ended = await database.query(endTurns(ends), context);
      this.#lookedMs = nowMs;
      for (const _ of ended) observeTurn?.({ status: 'interrupted', code: interrupted.code });
      log.warn({ turns: ended.length }, 'marked turns as interrupted whose server had stopped');
      return ended.length;
    });
  }

  /** Whether this look comes too long after the last one, or the database's clock says so, or that it came before. */
  #isFarApart(nowMs: number, databaseMs: number): boolean {
    const databaseGapMs = databaseMs - (this.#databaseMs ?? databaseMs);
    return nowMs - this.#lookedMs > MAX_GAP_MS || Math.abs(databaseGapMs) > MAX_GAP_MS;
  }

  async #sweepQuietly(): Promise<void> {
    try {
      while ((await this.sweep()) === MAX_TURNS);
      this.#trouble.succeeded();
    } catch (error) {
      this.#trouble.failed({ err: error });
    }
  }
}
