import { RunningTurn } from '../running-turn.ts';
import type { TurnStart } from './turn-request.ts';

/** A start that is under way, with what its turn is to be ended with as soon as it runs. */
interface TurnBeingStarted {
  readonly userId: string;
  ended?: Error;
  /** Resolves when the start is over, whatever came of it. */
  readonly over: PromiseWithResolvers<void>;
}

/** The turns that are being started in this process: they can be ended and waited for, too. */
export class TurnStarts {
  readonly #starts = new Set<TurnBeingStarted>();

  /** Whose they are. */
  get userIds(): string[] {
    return Array.from(this.#starts, ({ userId }) => userId);
  }

  /** How many there are. */
  get size(): number {
    return this.#starts.size;
  }

  /** Resolves when each that is under way now is over: its turn runs, or it has failed. */
  async settled(): Promise<void> {
    await Promise.all(Array.from(this.#starts, ({ over }) => over.promise));
  }

  /** Starts a turn; it ends at once if `end` was called meanwhile. */
  async begin(userId: string, start: () => Promise<TurnStart>): Promise<TurnStart> {
    const own: TurnBeingStarted = { userId, over: Promise.withResolvers() };
    this.#starts.add(own);
    try {
      const begun = await start();
      if (own.ended && begun.turn instanceof RunningTurn) begun.turn.deadline.cancel(own.ended);
      return begun;
    } finally {
      this.#starts.delete(own);
      own.over.resolve();
    }
  }

  /** Has the turns of a user that are being started fail with `reason`. */
  end(userId: string, reason: Error): void {
    for (const start of this.#starts) if (start.userId === userId) start.ended = reason;
  }
}
