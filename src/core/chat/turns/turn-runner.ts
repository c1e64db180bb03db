import type { CallContext } from '../../../base/call-context.ts';
import { Cancelled, Deadline } from '../../../base/deadline.ts';
import { newId } from '../../../base/ids.ts';
import type { Clock } from '../../../base/time.ts';
import { Timings } from '../../../base/timings.ts';
import { toAppError } from '../../../platform/http/index.ts';
import type { Logger } from '../../../platform/log/index.ts';
import type { Database } from '../../../platform/postgres/index.ts';
import { type Caller, type Idempotency, idempotencyErrors, onceByKey, refuseReuse } from '../../accounts/index.ts';
import type { Message, Models } from '../../models/index.ts';
import type { Assistant } from '../assistant.ts';
import type { ChatBatches } from '../batches.ts';
import { chatErrors } from '../errors.ts';
import { showMessage } from '../show-message.ts';
import { Assistants } from './assistants.ts';
import type { TurnKey } from './queries.ts';
import { RunningTurn } from './running-turn.ts';
import type { StartedTurn } from './start/queries.ts';
import { replayHistory } from './start/replay-history.ts';
import type { TurnEndStatus } from './store/queries.ts';
import { storeTurnEnd } from './store/store-turn-end.ts';
import { TurnLost, TurnSaver } from './store/turn-saver.ts';
import { StoredTurn } from './stored-turn.ts';
import { writeAnswer } from './write-answer.ts';

/** What running turns needs. */
export interface TurnRunnerOptions {
  readonly database: Database;
  readonly batches: ChatBatches;
  readonly models: Models;
  /** The assistants that sessions may name. */
  readonly assistants: readonly Assistant[];
  readonly log: Logger;
  readonly clock: Clock;
  /** Identifies this server process as the owner of its turns. */
  readonly owner: string;
  /** How long one turn may take, in milliseconds. */
  readonly turnBudgetMs: number;
  /** How long one statement may take, in milliseconds. */
  readonly statementBudgetMs: number;
}

/** A message of a user to a session, once by its key if it has one. */
export interface NewMessage extends Idempotency {
  readonly sessionId: string;
  readonly content: string;
}

/** What came of a message. */
export interface TurnStart {
  readonly turn: RunningTurn | StoredTurn;
  /** Whether the turn was started by an earlier request with the same Idempotency-Key. */
  readonly replayed: boolean;
}

/** Why a turn was cancelled: this process stops. */
class ServerStops extends Cancelled {
  constructor() {
    super('the server stops');
  }
}

/**
 * Runs the turns of this process. A turn begins when the user's message is stored, and is `running` from then on,
 * whether or not a client listens; what the model writes is stored piece by piece. It becomes `completed` when the
 * model has finished and the answer is stored as a message, `failed` when the model did not finish, `interrupted` when
 * its process stopped or died: then what was written is kept as an incomplete message.
 */
export class TurnRunner {
  readonly #options: TurnRunnerOptions;
  readonly #assistants: Assistants;
  readonly #saver: TurnSaver;
  /** The turns that run, each until its end is stored. */
  readonly #running = new Map<RunningTurn, Promise<void>>();
  #stopping = false;

  constructor(options: TurnRunnerOptions) {
    this.#options = options;
    this.#assistants = new Assistants(options.assistants);
    this.#saver = new TurnSaver(options);
  }

  /** How many turns run in this process. */
  get runningCount(): number {
    return this.#running.size;
  }

  /**
   * Stores a user's message and starts the turn that answers it, in one statement. A message whose Idempotency-Key was used
   * before starts nothing: its first turn is answered, the one that runs here or what it came to.
   * @throws AppError 404 `chat.session_not_found`; 409 `idempotency.in_progress` when the first turn runs elsewhere; 422
   *   `idempotency.key_reused`; 503 `postgres.*` when the database is the trouble.
   */
  async start(caller: Caller, message: NewMessage, context: CallContext): Promise<TurnStart> {
    const { batches, models, owner, clock, turnBudgetMs } = this.#options;
    const { userId, keyId, ip } = caller;
    const row = { ...message, userId, keyId, ip, owner, turnId: newId(), messageId: newId(), activityId: newId() };
    const [stored] = await onceByKey(() => batches.startTurn({ ...row, defaultModel: models.get().id }, context));
    if (stored === undefined) throw chatErrors.raise.session_not_found();
    const started = stored.turn as StartedTurn;
    const key = { userId, sessionId: message.sessionId, turnId: started.turn_id };
    if (stored.replayed) {
      refuseReuse(stored);
      return { turn: await this.#recall(key, context), replayed: true };
    }
    const identity = { ...key, requestId: context.requestId, messageId: newId(), model: started.model };
    const turn = new RunningTurn(identity, Deadline.after(turnBudgetMs), clock.monotonicMs());
    const question = {
      ...{
        id: started.message_id,
        seq: started.seq,
        turn_id: started.turn_id,
        created_at: new Date(started.created_at),
      },
      ...{ role: 'user', content: message.content, tool_calls: null, status: 'complete', model: null, degraded: false },
    };
    turn.begin(showMessage(message.sessionId, question));
    const history: Message[] = [...replayHistory(stored.history ?? []), { role: 'user', content: message.content }];
    this.#running.set(turn, this.#run(turn, history, started.assistant));
    if (this.#stopping) turn.deadline.cancel(new ServerStops());
    return { turn, replayed: false };
  }

  /** A turn that was started before: the one that runs here, or what is stored of it. */
  async #recall(key: TurnKey, context: CallContext): Promise<RunningTurn | StoredTurn> {
    for (const turn of this.#running.keys()) if (turn.identity.turnId === key.turnId) return turn;
    const [row] = await this.#options.batches.findTurn({ ...key, knownHeartbeatAt: null }, context);
    if (row === undefined) throw chatErrors.raise.turn_not_found();
    if (row.status === 'running') throw idempotencyErrors.raise.in_progress();
    const turn = new StoredTurn(key);
    turn.update(row);
    return turn;
  }

  /**
   * Waits until `timeoutMs` for the turns to end; those that still run then, or begin later, are interrupted, keeping
   * what was written. Ends when all is stored.
   */
  async drain(timeoutMs: number): Promise<void> {
    const timer = setTimeout(() => this.#interruptAll(), timeoutMs);
    while (this.#running.size > 0) await Promise.all(this.#running.values());
    clearTimeout(timer);
  }

  #interruptAll(): void {
    this.#stopping = true;
    for (const turn of this.#running.keys()) turn.deadline.cancel(new ServerStops());
  }

  /** Never rejects: whatever happens becomes the turn's end. */
  async #run(turn: RunningTurn, history: Message[], assistantName: string | null): Promise<void> {
    let failure: unknown;
    this.#saver.add(turn);
    try {
      const assistant = this.#assistants.get(assistantName);
      const context = { deadline: turn.deadline, timings: new Timings(), requestId: turn.identity.requestId };
      await writeAnswer(turn, history, { ...this.#options, context, assistant });
    } catch (error) {
      failure = error;
    }
    this.#saver.remove(turn);
    turn.deadline.end();
    try {
      await this.#finish(turn, failure);
    } catch (error) {
      this.#options.log.error({ err: error, turn_id: turn.identity.turnId }, 'could not store the end of a turn');
      turn.fail(toAppError(error));
    } finally {
      this.#running.delete(turn);
    }
  }

  async #finish(turn: RunningTurn, failure: unknown): Promise<void> {
    const { owner } = this.#options;
    const { userId, sessionId, turnId, messageId, requestId } = turn.identity;
    const error = failure === undefined ? undefined : this.#explain(turn, failure);
    turn.closeCalls();
    const end = {
      ...{ userId, sessionId, turnId, owner, messageId, activityId: newId() },
      status: endStatus(failure),
      content: turn.text,
      deltaChars: `{${turn.deltaChars}}`,
      toolCalls: turn.toolCalls.length === 0 ? null : JSON.stringify(turn.toolCalls),
      model: turn.writtenBy,
      degraded: turn.isDegraded,
      errorCode: error?.code ?? null,
      promptTokens: turn.usage?.prompt_tokens ?? null,
      completionTokens: turn.usage?.completion_tokens ?? null,
    };
    const stored = failure instanceof TurnLost ? undefined : await storeTurnEnd(end, { ...this.#options, requestId });
    if (error !== undefined) turn.fail(error);
    else if (stored === undefined || stored.seq === null) turn.fail(chatErrors.raise.turn_lost());
    else turn.complete({ seq: stored.seq, createdAt: stored.endedAt }, 'completed');
  }

  /** What the user is told of a failure; the log is told all. */
  #explain(turn: RunningTurn, failure: unknown) {
    const error =
      failure instanceof ServerStops
        ? chatErrors.raise.turn_interrupted({ cause: failure })
        : failure instanceof TurnLost
          ? chatErrors.raise.turn_lost({ cause: failure })
          : toAppError(failure);
    this.#options.log.warn(
      { err: error, turn_id: turn.identity.turnId, request_id: turn.identity.requestId },
      'a turn did not complete',
    );
    return error;
  }
}

function endStatus(failure: unknown): TurnEndStatus {
  if (failure === undefined) return 'completed';
  return failure instanceof ServerStops ? 'interrupted' : 'failed';
}
