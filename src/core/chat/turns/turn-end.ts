import { Cancelled } from '../../../base/deadline.ts';
import { AppError } from '../../../base/errors.ts';
import { newId } from '../../../base/ids.ts';
import { inBackground } from '../../../base/in-background.ts';
import { toAppError } from '../../../platform/http/index.ts';
import type { Logger } from '../../../platform/log/index.ts';
import type { Database } from '../../../platform/postgres/index.ts';
import { findAccounts, signInErrors } from '../../accounts/index.ts';
import { CHARS_PER_TOKEN } from '../../models/index.ts';
import type { UsageRecorder } from '../../plans/index.ts';
import { chatErrors } from '../errors.ts';
import type { TurnRow } from './queries.ts';
import type { RunningTurn } from './running-turn.ts';
import type { TurnEnd, TurnEndStatus } from './store/queries.ts';
import { type StoreTurnEndOptions, storeTurnEnd } from './store/store-turn-end.ts';
import { StoppedByUser, TurnLost } from './store/turn-saver.ts';
import type { TurnObserver } from './turn-observer.ts';

/** Why a turn was cancelled: this process stops. */
export class ServerStops extends Cancelled {
  constructor() {
    super('the server stops');
  }
}

/** How a turn ended, by what it failed with; undefined when it did not fail. */
function endStatus(failure: unknown): TurnEndStatus {
  if (failure === undefined) return 'completed';
  if (failure instanceof StoppedByUser) return 'stopped';
  return failure instanceof ServerStops ? 'interrupted' : 'failed';
}

/** What the user is told of a failure; its cause is for the log. */
function endError(failure: unknown): AppError {
  if (failure instanceof ServerStops) return chatErrors.raise.turn_interrupted({ cause: failure });
  if (failure instanceof TurnLost) return chatErrors.raise.turn_lost({ cause: failure });
  const error = toAppError(failure);
  // What a provider finds wrong with our request is no field of the user's.
  const { status, message, cause, retryAfterMs, quotesInput } = error;
  if (error.param === undefined) return error;
  return new AppError(error.code, { status, message, cause, quotesInput, retryAfterMs });
}

/** A turn's end, as it is to be stored. */
function describeEnd(
  turn: RunningTurn,
  { owner, status, error }: { owner: string; status: TurnEndStatus; error: AppError | undefined },
): TurnEnd {
  const { userId, sessionId, turnId, messageId } = turn.key;
  return {
    ...{ owner, status, errorCode: error?.code ?? null, errorMessage: error?.message ?? null },
    ...{ userId, sessionId, turnId, messageId, activityId: newId(), lastHeartbeatAt: null },
    content: turn.text,
    deltaChars: `{${turn.deltaChars}}`,
    toolCalls: turn.toolCalls.length === 0 ? null : JSON.stringify(turn.toolCalls),
    model: turn.writtenBy,
    degraded: turn.isDegraded,
    promptTokens: turn.usage?.prompt_tokens ?? null,
    completionTokens: turn.usage?.completion_tokens ?? null,
    usedModel: turn.usedModel,
  };
}

type Recorder = Pick<UsageRecorder, 'record'>;

/** What ending a turn needs. */
export interface EndTurnOptions extends Omit<StoreTurnEndOptions, 'requestId' | 'trace'>, TurnObserver {
  readonly database: Database;
  readonly log: Logger;
  /** Counts what turns cost that the statement which ends them does not find. */
  readonly usage: Recorder;
  /** The server process that the turn belongs to. */
  readonly owner: string;
}

/** Tells everyone that there will be no whole answer. */
function fail(
  turn: RunningTurn,
  { observeTurn }: TurnObserver,
  { error, status = 'failed' }: { error: AppError; status?: TurnEndStatus },
): void {
  turn.fail(error);
  observeTurn?.({ status, code: error.code });
}

/**
 * Stores how a turn ended, by what it failed with, and tells everyone. Never rejects: what cannot be stored is told as the
 * turn's error.
 */
export async function endTurn(turn: RunningTurn, failure: unknown, options: EndTurnOptions): Promise<void> {
  try {
    await finish(turn, failure, options);
  } catch (error) {
    const { turnId, requestId } = turn.key;
    options.log.error({ err: error, turn_id: turnId, request_id: requestId }, 'could not store the end of a turn');
    fail(turn, options, { error: toAppError(error) });
  }
}

/**
 * Counts what a turn cost that was not ended here: all of it where it was deleted, for then the statement that ends turns does not
 * find it; where it was taken over, what is not counted yet, for who does that knows only the text that was stored.
 */
function countLoss({ key, usage, usedModel }: RunningTurn, row: TurnRow | undefined, recorder: Recorder): void {
  // It may have been ended here all the same, unheard.
  if (usage === null || (row !== undefined && row.completion_tokens !== null)) return;
  const { userId } = key;
  const text = row?.text ?? '';
  const { prompt_tokens: promptTokens, completion_tokens: completion } = usage;
  // As `chat.end_turns` counts a text: by Postgres's characters, which are not JavaScript's.
  const completionTokens = Math.max(0, completion - Math.ceil([...text].length / CHARS_PER_TOKEN));
  recorder.record({ userId, model: usedModel, promptTokens, completionTokens, requests: text === '' ? 1 : 0 });
}

/** Why a turn is not there any more, or not this process's: its account is gone, its session, or it was taken over. */
async function settleLoss(turn: RunningTurn, options: EndTurnOptions): Promise<AppError> {
  const { userId, sessionId, turnId, requestId } = turn.key;
  const { database, batches, usage, statementBudgetMs: budgetMs } = options;
  const [[account], [row]] = await inBackground({ requestId, budgetMs }, (context) =>
    Promise.all([
      database.query(findAccounts([{ userId }]), context),
      batches.findTurn({ userId, sessionId, turnId }, context),
    ]),
  );
  if (account !== undefined) countLoss(turn, row, usage);
  if (account === undefined || account.disabled_at !== null) return signInErrors.raise.user_disabled();
  return row === undefined ? chatErrors.raise.session_not_found() : chatErrors.raise.turn_lost();
}

async function finish(turn: RunningTurn, failure: unknown, options: EndTurnOptions): Promise<void> {
  const { owner, log } = options;
  const { turnId, requestId, trace } = turn.key;
  turn.endWriting();
  turn.closeCalls();
  const status = endStatus(failure);
  const error = status === 'completed' || status === 'stopped' ? undefined : endError(failure);
  if (error !== undefined) log.warn({ err: error, turn_id: turnId, request_id: requestId }, 'a turn did not complete');
  const end = describeEnd(turn, { owner, status, error });
  const isLost = failure instanceof TurnLost;
  const stored = isLost ? undefined : await storeTurnEnd(end, { ...options, requestId, trace });
  const loss = stored === undefined ? await settleLoss(turn, options) : undefined;
  if (error !== undefined && !isLost) fail(turn, options, { error, status });
  else if (stored === undefined || stored.seq === null) {
    fail(turn, options, { error: loss ?? chatErrors.raise.turn_lost() });
  } else {
    turn.complete(stored.seq, stored, status === 'stopped' ? status : 'completed');
    options.observeTurn?.({ status });
  }
}
