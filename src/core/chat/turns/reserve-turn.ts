import type { Deadline } from '../../../base/deadline.ts';
import { AppError } from '../../../base/errors.ts';
import type { Caller } from '../../accounts/index.ts';
import { CHARS_PER_TOKEN } from '../../models/index.ts';
import type { Reservation, TokenBudget } from '../../plans/index.ts';
import { RunningTurn } from './running-turn.ts';
import type { TurnStart } from './start/turn-request.ts';

/** What tokens are set aside for. */
export interface TurnOrder {
  readonly caller: Caller;
  readonly deadline: Deadline;
  /** The length of the message, where it is known. */
  readonly contentChars: number;
  /** What the same request has started before, if it did. */
  readonly findEarlier: () => Promise<TurnStart | undefined>;
  /** Starts the turn. */
  readonly start: () => Promise<TurnStart>;
}

/** What a turn may come to beside the message; one that comes to more is counted all the same, after. */
const USUAL_TURN_TOKENS = 8_192;

/**
 * Starts a turn with tokens set aside for it, until all of it is written or it turns out to have been started before. One that
 * was needs none: where a limit of the plan is in the way, it is looked for.
 * @throws AppError 429 `limits.*`; then nothing was started.
 */
export async function reserveTurn(tokens: TokenBudget, order: TurnOrder): Promise<TurnStart> {
  const wantedTokens = USUAL_TURN_TOKENS + Math.ceil(order.contentChars / CHARS_PER_TOKEN);
  let reservation: Reservation;
  try {
    reservation = await tokens.reserve(order.caller, wantedTokens, order.deadline);
  } catch (error) {
    const isExceeded = error instanceof AppError && error.code.startsWith('limits.');
    const earlier = isExceeded ? await order.findEarlier() : undefined;
    if (earlier === undefined) throw error;
    return earlier;
  }
  try {
    const start = await order.start();
    const { turn, replayed } = start;
    if (replayed || !(turn instanceof RunningTurn)) reservation.settle(0);
    // Before its end is stored, whatever comes of that: the statement adds what it used to what is read of the month.
    else void turn.written.then(() => reservation.settle(turn.usedTokens));
    return start;
  } catch (error) {
    reservation.settle(0);
    throw error;
  }
}
