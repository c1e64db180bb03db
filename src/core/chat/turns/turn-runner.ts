import type { CallContext } from '../../../base/call-context.ts';
import { Deadline } from '../../../base/deadline.ts';
import { newId } from '../../../base/ids.ts';
import type { Clock } from '../../../base/time.ts';
import { Timings } from '../../../base/timings.ts';
import { type Logger, Trouble } from '../../../platform/log/index.ts';
import type { Database } from '../../../platform/postgres/index.ts';
import { type Caller, findEarlierAnswer, onceByKey } from '../../accounts/index.ts';
import type { Message, Models } from '../../models/index.ts';
import type { TokenBudget, UsageRecorder } from '../../plans/index.ts';
import type { Assistants } from '../assistants.ts';
import type { ChatBatches } from '../batches.ts';
import { chatErrors } from '../errors.ts';
import { showQuestion } from '../show-message.ts';
import { requestStop, type TurnKey, type TurnRow } from './queries.ts';
import { reserveTurn } from './reserve-turn.ts';
import { RunningTurn } from './running-turn.ts';
import { outliveCaller } from './start/outlive-caller.ts';
import { retryTurn, type StartedTurn } from './start/queries.ts';
import { type StoredHistory, toConversation } from './start/replay-history.ts';
import type { AskedOnce, BegunTurn, NewMessage, Retry, TurnStart } from './start/turn-request.ts';
import { TurnStarts } from './start/turn-starts.ts';
import { StoppedByUser, TurnSaver } from './store/turn-saver.ts';
import { StoredTurn } from './stored-turn.ts';
import type { StoredToolCall } from './tool-call.ts';
import { endTurn, ServerStops } from './turn-end.ts';
import { TurnFollower } from './turn-follower.ts';
import type { TurnObserver } from './turn-observer.ts';
import { writeAnswer } from './write-answer.ts';

/** What running turns needs. */
export interface TurnRunnerOptions extends TurnObserver {
  readonly database: Database;
  readonly batches: ChatBatches;
  readonly models: Models;
  /** Where tokens are reserved before a model is asked. */
  readonly tokenBudget: TokenBudget;
  /** Where the use of turns is counted that are not there any more when they end. */
  readonly usage: UsageRecorder;
  /** The assistants that sessions may name. */
  readonly assistants: Assistants;
  readonly log: Logger;
  readonly clock: Clock;
  /** Identifies this server process as the owner of its turns. */
  readonly owner: string;
  /** How long one turn may take, in milliseconds. */
  readonly turnBudgetMs: number;
  /** How long one statement may take, in milliseconds. */
  readonly statementBudgetMs: number;
}

/** How long a request to stop a turn waits for its end, in milliseconds: to hear of it takes another server half a second. */
const STOP_WAIT_MS = 5_000;

/**
 * How long ends that the database did not take are tried again after the time to drain, in milliseconds: as long as a database
 * takes to restart. With more, the server would be killed before it has stored and logged what else it has.
 */
const LAST_TRIES_MS = 4_000;

/**
 * Runs the turns of this process. A turn begins when the user's message is stored, and is `running` from then on,
 * whether or not a client listens; what the model writes is stored piece by piece. It becomes `completed` when the
 * model has finished and the answer is stored as a message, `failed` when the model did not finish, `stopped` when its user
 * wanted no more of it, `interrupted` when its process stopped or died: then what was written is kept as an incomplete
 * message. From none of these does it come back; a retry is a turn of its own.
 */
export class TurnRunner {
  readonly #options: TurnRunnerOptions;
  readonly #endTrouble: Trouble;
  readonly #saver: TurnSaver;
  readonly #follower: TurnFollower;
  /** The turns that run, each until its end is stored. */
  readonly #running = new Map<RunningTurn, Promise<void>>();
  readonly #starts = new TurnStarts();
  readonly #lastTry = new AbortController();
  #stopping = false;

  constructor(options: TurnRunnerOptions) {
    this.#options = options;
    this.#endTrouble = new Trouble(options.log, {
      begins: 'could not store the end of a turn; trying again',
      ends: 'ends of turns are stored again',
    });
    this.#saver = new TurnSaver(options);
    this.#follower = new TurnFollower(options);
  }

  /** The turns that run in this process. */
  get running(): Pick<ReadonlyMap<RunningTurn, unknown>, 'keys' | 'size'> {
    return this.#running;
  }

  /** The users whose turns run in this process or are being started. */
  get users(): Set<string> {
    return new Set([...Array.from(this.#running.keys(), ({ key }) => key.userId), ...this.#starts.userIds]);
  }

  /** Ends the turns of a user that run in this process or are being started: they fail with `reason`. */
  endTurnsOf(userId: string, reason: Error): void {
    this.#starts.end(userId, reason);
    for (const { key, deadline } of this.#running.keys()) if (key.userId === userId) deadline.cancel(reason);
  }

  /**
   * Stores a user's message and starts the turn that answers it, in one statement, also for a caller who leaves meanwhile. A
   * message whose Idempotency-Key was used before starts nothing: its first turn is answered.
   * @throws AppError 400 `chat.assistant_not_found`; 404 `chat.session_not_found`; 422 `idempotency.key_reused`; 429 `limits.*`; 503
   *   `postgres.*` when the database is the trouble.
   */
  async start(caller: Caller, message: NewMessage, context: CallContext): Promise<TurnStart> {
    // A session that is there keeps its assistant; a name that is none is a mistake there too.
    const { assistant = null, content } = message;
    this.#options.assistants.get(assistant);
    const asked = { ...message, assistant, sessionId: message.sessionId ?? newId() };
    return await this.#reserve({ ...asked, caller, contentChars: content.length, context }, async (own) => {
      const ids = { messageId: newId(), sessionActivityId: newId() };
      const row = { ...asked, isNewSession: message.sessionId === null, ...ids, ...this.#newTurn(caller) };
      const stored = await onceByKey(() => this.#options.batches.startTurn(row, own));
      if (stored === undefined) throw chatErrors.raise.session_not_found();
      return await this.#begin(row, { ...stored, content }, own);
    });
  }

  /**
   * Starts a turn that answers the message of an earlier one again, in one statement; once by its Idempotency-Key.
   * @throws AppError 404 `chat.turn_not_found`; 409 `chat.turn_not_retryable`; and as `start`.
   */
  async retry(caller: Caller, retry: Retry, context: CallContext): Promise<TurnStart> {
    return await this.#reserve({ ...retry, caller, contentChars: 0, context }, async (own) => {
      const row = { ...retry, ...this.#newTurn(caller) };
      const start = () => onceByKey(() => this.#options.database.query(retryTurn(row), own));
      let stored = await start();
      // While this one waited for the session, the turn may have ended or been retried by the key: only now that can be seen.
      if (stored?.turn === null) stored = await start();
      if (stored === undefined) throw chatErrors.raise.turn_not_found();
      if (stored.turn === null) throw chatErrors.raise.turn_not_retryable();
      return await this.#begin(row, stored, own);
    });
  }

  async #reserve(
    order: AskedOnce & { caller: Caller; contentChars: number; context: CallContext },
    start: (own: CallContext) => Promise<TurnStart>,
  ): Promise<TurnStart> {
    const { tokenBudget, log, statementBudgetMs: marginMs } = this.#options;
    return await outliveCaller(order.context, { log, marginMs }, (own) =>
      this.#starts.begin(order.caller.userId, () =>
        reserveTurn(tokenBudget, {
          ...order,
          ...{ deadline: own.deadline, start: () => start(own) },
          findEarlier: () => this.#findEarlier(order, own),
        }),
      ),
    );
  }

  /** What a request with the same Idempotency-Key has started. */
  async #findEarlier({ caller: { userId }, ...asked }: AskedOnce & { caller: Caller }, context: CallContext) {
    const key = { ...asked, userId };
    const turn = await findEarlierAnswer(key, { database: this.#options.database, context });
    return turn === undefined ? undefined : await this.#join(key, turn as StartedTurn, context);
  }

  async #join(key: { userId: string; sessionId: string }, started: StartedTurn, context: CallContext) {
    const { turn_id: turnId, session_id: sessionId = key.sessionId } = started;
    const turn = await this.#find({ userId: key.userId, sessionId, turnId }, context);
    // A turn is there for as long as its session.
    if (turn === undefined) throw chatErrors.raise.session_not_found();
    return { turn, replayed: true };
  }

  #newTurn({ userId, keyId, ip }: Caller) {
    const { owner, models } = this.#options;
    return { userId, keyId, ip, owner, turnId: newId(), activityId: newId(), defaultModel: models.get().id };
  }

  async #begin(
    asked: { userId: string; sessionId: string },
    stored: BegunTurn,
    context: CallContext,
  ): Promise<TurnStart> {
    const { userId } = asked;
    const started = stored.turn as StartedTurn;
    if (stored.replayed) return await this.#join(asked, started, context);
    const { model, turn_id: turnId, session_id: sessionId = asked.sessionId } = started;
    const content = stored.content ?? '';
    const { requestId, trace } = context;
    const key = { userId, sessionId, turnId, requestId, trace, messageId: newId(), model };
    const { turnBudgetMs, clock } = this.#options;
    const turn = new RunningTurn(key, Deadline.after(turnBudgetMs), clock.monotonicMs());
    const question = {
      id: started.message_id,
      seq: started.seq,
      turn_id: started.message_turn_id ?? turnId,
      content,
      created_at: new Date(started.created_at),
    };
    turn.begin(showQuestion(sessionId, question));
    const tried = (stored.tried ?? []) as StoredToolCall[][];
    const conversation = toConversation(stored.history as StoredHistory, { content, tried });
    this.#running.set(turn, this.#run(turn, { conversation, tried: tried.flat(), assistant: started.assistant }));
    if (this.#stopping) turn.deadline.cancel(new ServerStops());
    return { turn, replayed: false };
  }

  /**
   * A turn that was started before: the one that runs here, or what is stored of it. One that another server runs tells
   * more only while it is followed.
   * @throws AppError 404 `chat.turn_not_found`; 503 `postgres.*`.
   */
  async open(key: TurnKey, context: CallContext): Promise<RunningTurn | StoredTurn> {
    const turn = await this.#find(key, context);
    if (turn === undefined) throw chatErrors.raise.turn_not_found();
    return turn;
  }

  async #find(key: TurnKey, context: CallContext): Promise<RunningTurn | StoredTurn | undefined> {
    const running = this.#findRunning(key);
    if (running !== undefined) return running;
    const [row] = await this.#options.batches.findTurn(key, context);
    if (row === undefined) return undefined;
    const turn = new StoredTurn({ ...key, sessionId: row.session_id });
    turn.update(row);
    return turn;
  }

  /** Has a turn that another server runs tell its readers what is new, until the signal aborts or it has ended. */
  follow(turn: RunningTurn | StoredTurn, left: AbortSignal): void {
    if (turn instanceof StoredTurn) this.#follower.follow(turn, left);
  }

  /**
   * Stops a turn, on whichever server it runs, keeping what was written; one that has ended stays as it is. Waits until it
   * has ended, but no longer than a few seconds: a turn whose server does not answer is answered as `running`.
   * @throws AppError 404 `chat.turn_not_found`; 503 `postgres.*`.
   */
  async stop(key: TurnKey, context: CallContext): Promise<TurnRow> {
    const deadline = context.deadline.shortenedTo(STOP_WAIT_MS);
    try {
      const running = this.#findRunning(key);
      running?.deadline.cancel(new StoppedByUser());
      const { database } = this.#options;
      if (running !== undefined || (await database.query(requestStop(key), context)).length > 0) {
        const turn = running ?? (await this.open(key, context));
        this.follow(turn, deadline.signal);
        await deadline.race(turn.result).catch(() => undefined);
      }
      return await this.read(key, context);
    } finally {
      deadline.cancel();
    }
  }

  #findRunning({ userId, sessionId, turnId }: TurnKey): RunningTurn | undefined {
    for (const turn of this.#running.keys()) {
      const { key } = turn;
      if (key.turnId !== turnId || key.userId !== userId) continue;
      if (sessionId === null || key.sessionId === sessionId) return turn;
    }
    return undefined;
  }

  /**
   * How a turn stands, as it is stored.
   * @throws AppError 404 `chat.turn_not_found`; 503 `postgres.*`.
   */
  async read(key: TurnKey, context: CallContext): Promise<TurnRow> {
    const [row] = await this.#options.batches.findTurn(key, context);
    if (row === undefined) throw chatErrors.raise.turn_not_found();
    return row;
  }

  /**
   * Waits until `timeoutMs` for the turns to end, those included that are being started; those that still run then, or begin
   * later, are interrupted, keeping what was written. Ends when all is stored, or the database has not taken it for some seconds.
   */
  async drain(timeoutMs: number): Promise<void> {
    const timer = setTimeout(() => this.#interruptAll(), timeoutMs);
    const lastTimer = setTimeout(() => this.#lastTry.abort(), timeoutMs + LAST_TRIES_MS);
    while (this.#starts.size + this.#running.size > 0) {
      await Promise.all([this.#starts.settled(), ...this.#running.values()]);
    }
    clearTimeout(timer);
    clearTimeout(lastTimer);
  }

  #interruptAll(): void {
    this.#stopping = true;
    for (const turn of this.#running.keys()) turn.deadline.cancel(new ServerStops());
  }

  /** Never rejects: whatever happens becomes the turn's end. */
  async #run(
    turn: RunningTurn,
    order: { conversation: Message[]; tried: StoredToolCall[]; assistant: string | null },
  ): Promise<void> {
    let failure: unknown;
    this.#saver.add(turn);
    try {
      const assistant = this.#options.assistants.get(order.assistant);
      const { requestId, trace } = turn.key;
      const context = { deadline: turn.deadline, timings: new Timings(), requestId, trace };
      const ensureSaved = (events: number) => this.#saver.ensureSaved(turn, events);
      await writeAnswer(turn, { ...this.#options, ...order, context, assistant, ensureSaved });
    } catch (error) {
      failure = error;
    }
    turn.deadline.end();
    await endTurn(turn, failure, { ...this.#options, trouble: this.#endTrouble, lastTry: this.#lastTry.signal });
    this.#saver.remove(turn);
    this.#running.delete(turn);
  }
}
