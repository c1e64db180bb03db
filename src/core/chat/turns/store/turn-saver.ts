import { setTimeout as sleep } from 'node:timers/promises';
import { Cancelled } from '../../../../base/deadline.ts';
import { inBackground } from '../../../../base/in-background.ts';
import type { Clock } from '../../../../base/time.ts';
import { type Logger, Trouble } from '../../../../platform/log/index.ts';
import type { Database } from '../../../../platform/postgres/index.ts';
import type { ChatBatches } from '../../batches.ts';
import type { RunningTurn } from '../running-turn.ts';
import { listTurnsToStop, saveProgress, type TurnProgress } from './queries.ts';

/** How soon what the models write is stored, in milliseconds, the statement's own time aside: what a crash loses of an answer. */
const SAVE_WITHIN_MS = 250;

/**
 * How often it is looked what is to be stored, in milliseconds. What is younger than that waits for the next time: most
 * turns of a busy moment have ended by then, which stores all of them.
 */
const LOOK_INTERVAL_MS = SAVE_WITHIN_MS / 2;

/** How many looks after each other it is asked who was stopped: a turn ends within half a second after that. */
const LOOKS_PER_STOP_CHECK = 4;

/**
 * Turns in one statement. More are spread over the time between looks: a thousand at once keep database and
 * process busy for so long that other requests feel it.
 */
const TURNS_TOGETHER = 200;

/** How often a silent turn says that its owner lives, in milliseconds. Less than half of what makes it count as dead. */
const HEARTBEAT_INTERVAL_MS = 5_000;

/** Why a turn was cancelled: the database no longer knows it as ours. */
export class TurnLost extends Cancelled {
  constructor() {
    super('the turn is no longer ours');
  }
}

/** Why a turn was cancelled: its user wants no more of it. */
export class StoppedByUser extends Cancelled {
  constructor() {
    super('the user stopped the turn');
  }
}

/** What storing progress needs. */
export interface TurnSaverOptions {
  readonly database: Database;
  readonly batches: Pick<ChatBatches, 'saveProgress'>;
  readonly log: Logger;
  readonly clock: Clock;
  readonly owner: string;
  readonly statementBudgetMs: number;
}

/** How much of a turn a save holds. */
type Reached = RunningTurn['saved'];

/** What a save of a turn answered. */
interface Saved {
  readonly fits: boolean | null;
  readonly pieces: number | null;
}

/**
 * Stores what the models write while they write it, for many turns of this process in a statement. Does nothing while no turn
 * runs.
 */
export class TurnSaver {
  readonly #options: TurnSaverOptions;
  readonly #trouble: Trouble;
  readonly #turns = new Set<RunningTurn>();
  #timer: NodeJS.Timeout | undefined;
  /** The look that is under way. Never rejects. */
  #looking: Promise<void> | undefined;
  /** The turns that it stores. */
  #lookedAt: ReadonlySet<RunningTurn> = new Set();
  #looks = 0;

  constructor(options: TurnSaverOptions) {
    this.#options = options;
    this.#trouble = new Trouble(options.log, {
      begins: 'could not store the progress of turns, or look which were stopped; trying again',
      ends: 'the progress of turns is stored again',
    });
  }

  /** Starts to store a turn's progress. */
  add(turn: RunningTurn): void {
    this.#turns.add(turn);
    this.#timer ??= setInterval(() => {
      this.#looking ??= this.#look().finally(() => {
        this.#looking = undefined;
        this.#lookedAt = new Set();
      });
    }, LOOK_INTERVAL_MS).unref();
  }

  /**
   * Stores a turn at once, unless so many of its events are stored and the database has lately said that the turn is ours: it may
   * have been taken over while this process was frozen.
   * @throws the reason of the turn's deadline, a `TurnLost` where the turn is not this process's any more; AppError 503 `postgres.*`.
   */
  async ensureSaved(turn: RunningTurn, events: number): Promise<void> {
    const isCertain = (): boolean => turn.saved.events >= events && !this.#isSilent(turn);
    if (isCertain()) return;
    // What that has sent of the turn may come after this, and undo it.
    if (this.#lookedAt.has(turn)) await this.#looking;
    while (!isCertain() && this.#turns.has(turn)) {
      await this.#saveAlone(turn);
      turn.deadline.throwIfEnded();
    }
  }

  #isSilent({ lastSavedMs }: RunningTurn): boolean {
    return this.#options.clock.monotonicMs() - lastSavedMs >= HEARTBEAT_INTERVAL_MS;
  }

  /** Stops: the turn's end is stored, and with it all of it. */
  remove(turn: RunningTurn): void {
    this.#turns.delete(turn);
    if (this.#turns.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  #due(): RunningTurn[] {
    const nowMs = this.#options.clock.monotonicMs();
    // What is written is stored with the turn's end; until that has succeeded, the turn still says that its owner lives.
    const isDue = ({ feed, saved, lastSavedMs, isWritten }: RunningTurn): boolean =>
      nowMs - lastSavedMs >= (feed.length > saved.events && !isWritten ? LOOK_INTERVAL_MS : HEARTBEAT_INTERVAL_MS);
    return [...this.#turns].filter(isDue);
  }

  async #look(): Promise<void> {
    const turns = this.#due();
    this.#lookedAt = new Set(turns);
    this.#looks++;
    const isStopCheck = this.#looks % LOOKS_PER_STOP_CHECK === 0;
    try {
      await Promise.all([this.#saveSpread(turns), isStopCheck && this.#heedStops()]);
      if (turns.length > 0) this.#trouble.succeeded();
    } catch (error) {
      // What is not stored now goes with the next round; the answer is in memory until its turn ends.
      this.#trouble.failed({ err: error, turns: turns.length });
    }
  }

  /** Ends the turns that were stopped by way of another server. */
  async #heedStops(): Promise<void> {
    const { database, owner, statementBudgetMs } = this.#options;
    const rows = await inBackground({ budgetMs: statementBudgetMs }, (context) =>
      database.query(listTurnsToStop({ owner }), context),
    );
    const stopped = new Set(rows.map(({ id }) => id));
    for (const turn of this.#turns) if (stopped.has(turn.key.turnId)) turn.deadline.cancel(new StoppedByUser());
  }

  /** Stores the progress of many turns in parts, one after the other until the next look. */
  async #saveSpread(turns: readonly RunningTurn[]): Promise<void> {
    const parts = Math.ceil(turns.length / TURNS_TOGETHER);
    const saves = Array.from({ length: parts }, async (_part, index) => {
      if (index > 0) await sleep((index * LOOK_INTERVAL_MS) / parts);
      const part = turns.slice(index * TURNS_TOGETHER, (index + 1) * TURNS_TOGETHER);
      const running = part.filter((turn) => this.#turns.has(turn));
      if (running.length > 0) await this.#save(running);
    });
    await Promise.all(saves);
  }

  async #save(turns: readonly RunningTurn[]): Promise<void> {
    const { database, statementBudgetMs } = this.#options;
    const reached = turns.map(reachedBy);
    const rows = turns.map((turn) => this.#toProgress(turn));
    const saved = await inBackground({ budgetMs: statementBudgetMs }, (context) =>
      database.query(saveProgress(rows), context),
    );
    const answers = new Map(saved.map((row) => [row.i, row]));
    for (const [index, turn] of turns.entries()) this.#take(turn, reached[index] ?? turn.saved, answers.get(index + 1));
  }

  /** As `#save`, with others who do so at the same moment. */
  async #saveAlone(turn: RunningTurn): Promise<void> {
    const { batches, statementBudgetMs } = this.#options;
    const reached = reachedBy(turn);
    const progress = this.#toProgress(turn);
    const [answer] = await inBackground({ budgetMs: statementBudgetMs }, (context) =>
      batches.saveProgress(progress, context),
    );
    this.#take(turn, reached, answer);
  }

  #toProgress({ key, saved, text, deltaChars, toolCalls }: RunningTurn): TurnProgress {
    return {
      userId: key.userId,
      turnId: key.turnId,
      owner: this.#options.owner,
      savedPieces: saved.pieces,
      addition: text.slice(saved.chars),
      deltaChars: `{${deltaChars.slice(saved.pieces)}}`,
      toolCalls: toolCalls.length === 0 ? null : JSON.stringify(toolCalls),
    };
  }

  #take(turn: RunningTurn, reached: Reached, answer: Saved | undefined): void {
    // A turn that is no longer saved here has ended meanwhile; one that is, and is not ours any more, was lost.
    if (answer === undefined) {
      if (this.#turns.has(turn)) turn.deadline.cancel(new TurnLost());
      return;
    }
    if (answer.fits) turn.saved = reached;
    else turn.resumeSaving(answer.pieces ?? 0);
    turn.lastSavedMs = this.#options.clock.monotonicMs();
  }
}

function reachedBy({ feed, deltaChars, text }: RunningTurn): Reached {
  return { events: feed.length, pieces: deltaChars.length, chars: text.length };
}
