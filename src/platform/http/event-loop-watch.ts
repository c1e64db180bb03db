import type { Clock } from '../../base/time.ts';

/**
 * How long after the first request of a turn of the event loop another may begin, in milliseconds, while turns keep being
 * longer. All that a turn finds has been there since its start: what is reached later has waited so long already, and what
 * was begun before it is still to be done. More would let a crowd keep all that was begun from its answers, until nothing is
 * answered in time: measured with 10,000 clients, a tenth of what the server can do.
 */
const LATEST_BEGIN_MS = 250;

/** The same as long as turns are rarely so long: a process that compiles what it does for the first time, or was not run. */
const LATEST_BEGIN_AT_FIRST_MS = 1000;

/** Long turns that add up to more than this are no accident, in milliseconds. */
const ACCIDENT_MS = 2000;
/** Those before are forgotten when there was none for so long, in milliseconds. */
const FORGOTTEN_AFTER_MS = 10_000;

/** Knows how far into a turn of the event loop it is. Costs nothing while no request comes. */
export class EventLoopWatch {
  readonly #clock: Clock;
  #startedMs: number | undefined;
  #longTurnsMs = 0;
  #lastLongTurnEndedMs = Number.NEGATIVE_INFINITY;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Whether a request that is reached now has waited too long for the others of its turn to be worth beginning. */
  isLate(): boolean {
    const nowMs = this.#clock.monotonicMs();
    if (this.#startedMs === undefined) {
      this.#startedMs = nowMs;
      if (nowMs - this.#lastLongTurnEndedMs > FORGOTTEN_AFTER_MS) this.#longTurnsMs = 0;
      setImmediate(() => this.#endTurn(nowMs));
      return false;
    }
    const latestBeginMs = this.#longTurnsMs > ACCIDENT_MS ? LATEST_BEGIN_MS : LATEST_BEGIN_AT_FIRST_MS;
    return nowMs - this.#startedMs > latestBeginMs;
  }

  #endTurn(startedMs: number): void {
    this.#startedMs = undefined;
    const nowMs = this.#clock.monotonicMs();
    if (nowMs - startedMs <= LATEST_BEGIN_MS) return;
    this.#longTurnsMs += nowMs - startedMs;
    this.#lastLongTurnEndedMs = nowMs;
  }
}
