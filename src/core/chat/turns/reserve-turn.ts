import type { Deadline } from '../../../base/deadline.ts';
import type { Caller } from '../../accounts/index.ts';
import type { TokenBudget } from '../../plans/index.ts';
import type { RunningTurn } from './running-turn.ts';

/** What tokens are set aside for. */
export interface TurnOrder<Start> {
  readonly caller: Caller;
  readonly deadline: Deadline;
  /** The length of the message, where it is known. */
  readonly contentChars: number;
  /** Starts the turn. */
  readonly start: () => Promise<Start>;
  /** The turn that was started; undefined when none was. */
  readonly findStarted: (start: Start) => RunningTurn | undefined;
}

/** What a turn may come to beside the message; one that comes to more is counted all the same, after. */
const usualTurnTokens = 8_192;
/** What a token is worth in most texts. */
const charsPerToken = 4;

/**
 * Starts a turn with tokens set aside for it, until all of it is written or it turns out to have been started before.
 * @throws AppError 429 `limits.tokens_exceeded`; then nothing was started.
 */
export async function reserveTurn<Start>(tokens: TokenBudget, order: TurnOrder<Start>): Promise<Start> {
  const wantedTokens = usualTurnTokens + Math.ceil(order.contentChars / charsPerToken);
  const reservation = await tokens.reserve(order.caller, wantedTokens, order.deadline);
  try {
    const start = await order.start();
    const started = order.findStarted(start);
    if (started === undefined) reservation.settle(0);
    // Before its end is stored, whatever comes of that: the statement adds what it used to what is read of the month.
    else void started.written.then(() => reservation.settle(spentTokens(started)));
    return start;
  } catch (error) {
    reservation.settle(0);
    throw error;
  }
}

function spentTokens({ usage }: RunningTurn): number {
  return (usage?.prompt_tokens ?? 0) + (usage?.completion_tokens ?? 0);
}
