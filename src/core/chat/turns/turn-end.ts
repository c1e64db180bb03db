import { Cancelled } from '../../../base/deadline.ts';
import { AppError } from '../../../base/errors.ts';
import { newId } from '../../../base/ids.ts';
import { toAppError } from '../../../platform/http/index.ts';
import { chatErrors } from '../errors.ts';
import type { RunningTurn } from './running-turn.ts';
import type { TurnEnd, TurnEndStatus } from './store/queries.ts';
import { StoppedByUser, TurnLost } from './store/turn-saver.ts';

/** Why a turn was cancelled: this process stops. */
export class ServerStops extends Cancelled {
  constructor() {
    super('the server stops');
  }
}

/** How a turn ended, by what it failed with; undefined when it did not fail. */
export function endStatus(failure: unknown): TurnEndStatus {
  if (failure === undefined) return 'completed';
  if (failure instanceof StoppedByUser) return 'stopped';
  return failure instanceof ServerStops ? 'interrupted' : 'failed';
}

/** What the user is told of a failure; its cause is for the log. */
export function endError(failure: unknown): AppError {
  if (failure instanceof ServerStops) return chatErrors.raise.turn_interrupted({ cause: failure });
  if (failure instanceof TurnLost) return chatErrors.raise.turn_lost({ cause: failure });
  const error = toAppError(failure);
  // What a provider finds wrong with our request is no field of the user's.
  const { status, message, cause, retryAfterMs } = error;
  if (error.param === undefined) return error;
  return new AppError(error.code, { status, message, cause, ...(retryAfterMs !== undefined && { retryAfterMs }) });
}

/** A turn's end, as it is to be stored. */
export function describeEnd(
  turn: RunningTurn,
  { owner, status, error }: { owner: string; status: TurnEndStatus; error: AppError | undefined },
): TurnEnd {
  const { userId, sessionId, turnId, messageId } = turn.identity;
  return {
    ...{ owner, status, errorCode: error?.code ?? null, errorMessage: error?.message ?? null },
    ...{ userId, sessionId, turnId, messageId, activityId: newId() },
    content: turn.text,
    deltaChars: `{${turn.deltaChars}}`,
    toolCalls: turn.toolCalls.length === 0 ? null : JSON.stringify(turn.toolCalls),
    model: turn.writtenBy,
    degraded: turn.isDegraded,
    promptTokens: turn.usage?.prompt_tokens ?? null,
    completionTokens: turn.usage?.completion_tokens ?? null,
  };
}
