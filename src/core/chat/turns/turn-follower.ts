import { inBackground } from '../../../base/in-background.ts';
import { type Logger, Trouble } from '../../../platform/log/index.ts';
import type { ChatBatches } from '../batches.ts';
import { chatErrors } from '../errors.ts';
import type { StoredTurn } from './stored-turn.ts';

/** How often the turns of other servers are looked at, in milliseconds: as often as these store what is new. */
const LOOK_INTERVAL_MS = 250;

/** What following turns needs. */
export interface TurnFollowerOptions {
  readonly batches: ChatBatches;
  readonly log: Logger;
  readonly statementBudgetMs: number;
}

/**
 * Tells readers of turns that other servers run what these store of them, with one statement for all that are followed here.
 * No connection is held meanwhile, and nothing is done while none is followed.
 */
export class TurnFollower {
  readonly #options: TurnFollowerOptions;
  readonly #trouble: Trouble;
  readonly #followed = new Map<StoredTurn, AbortSignal>();
  #timer: NodeJS.Timeout | undefined;
  #looking = false;

  constructor(options: TurnFollowerOptions) {
    this.#options = options;
    this.#trouble = new Trouble(options.log, {
      begins: 'could not look at turns of other servers; trying again',
      ends: 'turns of other servers are looked at again',
    });
  }

  /** Follows a turn until it has ended or its reader has left. */
  follow(turn: StoredTurn, left: AbortSignal): void {
    if (turn.hasEnded) return;
    this.#followed.set(turn, left);
    this.#timer ??= setInterval(() => void this.#tick(), LOOK_INTERVAL_MS).unref();
  }

  async #tick(): Promise<void> {
    if (this.#looking) return;
    for (const [turn, left] of this.#followed) if (turn.hasEnded || left.aborted) this.#followed.delete(turn);
    if (this.#followed.size === 0) {
      clearInterval(this.#timer);
      this.#timer = undefined;
      return;
    }
    this.#looking = true;
    // All at once, so that they leave as one batch.
    const looks = await Promise.allSettled([...this.#followed.keys()].map((turn) => this.#look(turn)));
    this.#looking = false;
    const failures = looks.filter((look) => look.status === 'rejected');
    // The next look is in a moment; the readers wait.
    if (failures.length === 0) this.#trouble.succeeded();
    else this.#trouble.failed({ err: failures[0]?.reason, turns: failures.length });
  }

  async #look(turn: StoredTurn): Promise<void> {
    const { batches, statementBudgetMs } = this.#options;
    const query = { ...turn.key, knownHeartbeatAt: turn.heartbeatAt };
    const [row] = await inBackground({ budgetMs: statementBudgetMs }, (context) => batches.findTurn(query, context));
    if (row === undefined) turn.lose(chatErrors.raise.turn_not_found());
    else turn.update(row);
  }
}
