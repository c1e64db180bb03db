import { hash } from 'node:crypto';
import type { CallContext } from '../../../base/call-context.ts';
import { AppError } from '../../../base/errors.ts';
import { newId } from '../../../base/ids.ts';
import { inBackground } from '../../../base/in-background.ts';
import type { StartTrace } from '../../../base/span.ts';
import {
  closeCodes,
  httpErrors,
  type OpenWebSocket,
  toAppError,
  type WebSocketUser,
} from '../../../platform/http/index.ts';
import type { Logger } from '../../../platform/log/index.ts';
import { type Caller, explainErasing } from '../../accounts/index.ts';
import { type Authentication, authErrors } from '../../keys/index.ts';
import type { RequestLimits } from '../../plans/index.ts';
import { chatErrors } from '../errors.ts';
import type { TurnKey } from '../turns/queries.ts';
import type { TurnRunner } from '../turns/turn-runner.ts';
import { FollowedTurns } from './followed-turns.ts';
import { clientIdOf, type FrameOf, type InFrame, readFrame, toFrameError } from './frames.ts';
import { requireChat } from './require-chat.ts';
import type { SocketsByUser } from './sockets-by-user.ts';

/** How long a client may take to sign in, in milliseconds. */
const SIGN_IN_WAIT_MS = 5_000;

/** Frames that may wait for those before them, and their size in bytes together; more is a flood. */
const MAX_WAITING = 100;
const MAX_WAITING_BYTES = 2 * 1024 * 1024;

/** What the sockets of chat need. */
export interface ChatSocketOptions {
  readonly authentication: Pick<Authentication, 'identify' | 'authorize'>;
  readonly limits: Pick<RequestLimits, 'count'>;
  readonly turns: TurnRunner;
  /** Those whose user is known. */
  readonly sockets: SocketsByUser;
  readonly log: Logger;
  /** Begins the trace of a frame; absent where nobody traces. */
  readonly startTrace?: StartTrace | undefined;
  /** How long one frame may take, in milliseconds; a turn goes on after that. */
  readonly requestBudgetMs: number;
}

/** A frame that waits for those before it. */
type WaitingFrame = { readonly frame: InFrame; readonly bytes: number };

/** What a frame is called by: its client, who need not, and us. */
interface FrameNames {
  readonly clientId?: string | undefined;
  readonly requestId: string;
}

/** What is done for a frame. */
interface FrameCall extends Pick<FrameNames, 'clientId'> {
  readonly context: CallContext;
}

/**
 * One client's WebSocket. Frames are worked on one after the other, so that messages are stored in the order in which they
 * were sent; the events of turns go out meanwhile. Before each frame it is looked up again who is calling, which costs
 * nothing while it is cached; and so it is when the user has changed and twice a minute. Who may no longer call is told so
 * and disconnected; when it cannot be told, because the database is away, the frame is refused and the socket stays, to be
 * looked at again, except that of a client who is still unknown when the time to sign in is over: it may try again on another.
 */
export class ChatSocket implements WebSocketUser {
  readonly #socket: OpenWebSocket;
  readonly #options: ChatSocketOptions;
  readonly #ip: string;
  #secret: string | undefined;
  #userId: string | undefined;
  /** Made when first needed: most sockets are idle most of the time. */
  #followed: FollowedTurns | undefined;
  #waiting: WaitingFrame[] | undefined;
  #waitingBytes = 0;
  /** There until the client has signed in, or has had its time for it. */
  #signInTimer: NodeJS.Timeout | undefined;
  /** Why it could not be told who the client is, which is no fault of the client's. */
  #signInError: AppError | undefined;

  constructor(socket: OpenWebSocket, ip: string, options: ChatSocketOptions) {
    this.#socket = socket;
    this.#ip = ip;
    this.#options = options;
  }

  get isBusy(): boolean {
    return this.#waiting !== undefined || (this.#followed?.size ?? 0) > 0;
  }

  /** Begins with a client whose request said who it is, or with one that has yet to. */
  begin(signedIn: { secret: string; userId: string } | undefined): void {
    // Timers run before what has come is read: where the process stood still, the client's frame may be there, unread.
    const onDue = () => setImmediate(() => this.#onSignInDue());
    if (signedIn !== undefined) this.#signIn(signedIn.secret, signedIn.userId);
    else this.#signInTimer = setTimeout(onDue, SIGN_IN_WAIT_MS).unref();
  }

  onFrame(bytes: Uint8Array): void {
    try {
      this.#take({ frame: readFrame(bytes), bytes: bytes.length });
    } catch (error) {
      this.#tellError(error, { clientId: clientIdOf(bytes), requestId: newId() });
    }
  }

  onHeartbeat(): void {
    this.#options.sockets.check(this);
  }

  onClosed(): void {
    clearTimeout(this.#signInTimer);
    this.#followed?.leave();
    this.#waiting?.splice(0);
    if (this.#userId !== undefined) this.#options.sockets.delete(this.#userId, this);
  }

  /**
   * Disconnects a client who may no longer call, or has no part in chat any more; sends no more of what it may no longer read.
   * @throws AppError 401 or 403 for such a client; 503 when the database cannot tell.
   */
  async recheck(): Promise<void> {
    const secret = this.#secret;
    if (secret === undefined || !this.#socket.isOpen) return;
    const check = (context: CallContext) => this.#identify(secret, { context, isUse: false });
    const caller = await inBackground({ budgetMs: this.#options.requestBudgetMs }, check);
    this.#followed?.recheck((permission) => this.#options.authentication.authorize({ caller }, permission));
  }

  #take(waiting: WaitingFrame): void {
    const { type, client_id } = waiting.frame;
    const isSilent = this.#userId === undefined && this.#waiting === undefined && this.#signInError === undefined;
    if (isSilent && type !== 'auth') this.#refuse(authErrors.raise.missing_credential(), { clientId: client_id });
    else if (type === 'ping') void this.#socket.send({ type: 'pong', client_id });
    else this.#enqueue(waiting);
  }

  #enqueue(waiting: WaitingFrame): void {
    this.#waitingBytes += waiting.bytes;
    if (this.#waiting === undefined) {
      this.#waiting = [waiting];
      void this.#workOff(this.#waiting);
    } else if (this.#waiting.length < MAX_WAITING && this.#waitingBytes <= MAX_WAITING_BYTES) {
      this.#waiting.push(waiting);
    } else this.#refuse(chatErrors.raise.too_many_frames(), { clientId: waiting.frame.client_id });
  }

  /** Never rejects. */
  async #workOff(waiting: WaitingFrame[]): Promise<void> {
    for (let next = waiting[0]; next !== undefined; next = waiting[0]) {
      await this.#handle(next.frame);
      this.#waitingBytes -= next.bytes;
      waiting.shift();
    }
    this.#waiting = undefined;
    this.#socket.closeWhenIdle();
  }

  /** Never rejects. */
  async #handle(frame: InFrame): Promise<void> {
    const { log, requestBudgetMs: budgetMs, startTrace } = this.#options;
    const requestId = newId();
    const trace = startTrace?.(`frame ${frame.type}`, undefined);
    let failure: AppError | undefined;
    try {
      await inBackground({ requestId, budgetMs, trace }, (context) => this.#answer(frame, context));
    } catch (thrown) {
      failure = toAppError(explainErasing(thrown, this.#userId));
      const of = { clientId: frame.client_id, requestId };
      if (frame.type === 'auth') this.#onSignInFailed(failure, of);
      this.#tellError(failure, of);
    }
    trace?.end({ isFailed: failure !== undefined && failure.status >= 500 });
    log.info({ request_id: requestId, frame: frame.type, user_id: this.#userId, code: failure?.code }, 'frame');
  }

  async #answer(frame: InFrame, context: CallContext): Promise<void> {
    switch (frame.type) {
      case 'auth':
        return await this.#onAuth(frame, context);
      case 'message':
        return await this.#onMessage(frame, context);
      case 'stop':
        return await this.#onStop(frame, context);
      case 'resume':
        return await this.#onResume(frame, context);
    }
  }

  async #onAuth({ token, client_id }: FrameOf['auth'], context: CallContext): Promise<void> {
    const { userId } = await this.#identify(token, { context, clientId: client_id });
    if (this.#userId !== undefined && this.#userId !== userId) {
      const problem = 'This is the token of another user. Open a connection of its own.';
      throw httpErrors.raise.invalid_request({ problem }, { param: 'token' });
    }
    this.#signIn(token, userId);
    void this.#socket.send({ type: 'ack', client_id, user_id: userId });
  }

  async #onMessage(frame: FrameOf['message'], context: CallContext): Promise<void> {
    const { client_id: clientId, session_id: sessionId = null, assistant = null, content } = frame;
    const caller = await this.#admit('chat:write', { context, clientId });
    const followed = this.#followOneMore();
    const fingerprint = hash('sha256', JSON.stringify(['ws', sessionId, assistant, content]), 'buffer');
    const message = { sessionId, assistant, content, idempotencyKey: `ws:${clientId}`, fingerprint };
    const { turn } = await this.#options.turns.start(caller, message, context);
    this.#acknowledge(clientId, turn.key);
    if (!followed.has(turn.key.turnId)) void followed.follow({ turn, afterId: 0, clientId, permission: 'chat:write' });
  }

  async #onStop({ client_id: clientId, ...turn }: FrameOf['stop'], context: CallContext): Promise<void> {
    const caller = await this.#admit('chat:write', { context, clientId });
    const row = await this.#options.turns.stop(keyOf(caller, turn), context);
    this.#acknowledge(clientId, { sessionId: row.session_id, turnId: row.id });
  }

  async #onResume(frame: FrameOf['resume'], context: CallContext): Promise<void> {
    const { client_id: clientId, last_event_id: afterId = 0, ...rest } = frame;
    const caller = await this.#admit('chat:read', { context, clientId });
    const followed = this.#followOneMore();
    const turn = await this.#options.turns.open(keyOf(caller, rest), context);
    this.#acknowledge(clientId, turn.key);
    void followed.follow({ turn, afterId, clientId, permission: 'chat:read' });
  }

  /** Who sends a frame, when that is still allowed. */
  async #admit(permission: string, call: FrameCall): Promise<Caller> {
    const { authentication, limits } = this.#options;
    if (this.#socket.isLeaving) throw httpErrors.raise.shutting_down();
    if (this.#secret === undefined) throw this.#signInError ?? authErrors.raise.missing_credential();
    const caller = await this.#identify(this.#secret, call);
    await limits.count(caller);
    authentication.authorize({ caller }, permission);
    return caller;
  }

  /** Who calls, when they have a part in chat; else they are disconnected. */
  async #identify(secret: string, { clientId, ...call }: FrameCall & { isUse?: boolean }): Promise<Caller> {
    const { requestId } = call.context;
    try {
      const caller = await this.#options.authentication.identify(secret, { ip: this.#ip, ...call });
      requireChat(caller);
      return caller;
    } catch (error) {
      if (error instanceof AppError && (error.status === 401 || error.status === 403))
        this.#refuse(error, { clientId, requestId });
      throw error;
    }
  }

  #signIn(secret: string, userId: string): void {
    clearTimeout(this.#signInTimer);
    this.#signInTimer = undefined;
    // Closed while it was looked up who the client is: it would be among the sockets for ever.
    if (!this.#socket.isOpen) return;
    this.#secret = secret;
    if (this.#userId !== undefined) return;
    this.#userId = userId;
    this.#options.sockets.add(userId, this);
  }

  /** The client has had its time. A sign-in that is under way decides. */
  #onSignInDue(): void {
    this.#signInTimer = undefined;
    if (!this.#socket.isOpen || this.#userId !== undefined || this.#waiting !== undefined) return;
    this.#refuse(this.#signInError ?? authErrors.raise.missing_credential());
  }

  /** Who sent a credential that could not be looked up may send it again while there is time. */
  #onSignInFailed(error: AppError, of: FrameNames): void {
    if (this.#userId !== undefined || error.status < 500) return;
    this.#signInError = error;
    if (this.#signInTimer === undefined) this.#refuse(error, of);
  }

  #followOneMore(): FollowedTurns {
    this.#followed ??= new FollowedTurns(this.#socket, this.#options.turns);
    this.#followed.checkRoom();
    return this.#followed;
  }

  #acknowledge(client_id: string | undefined, { sessionId, turnId }: Omit<TurnKey, 'userId'>): void {
    void this.#socket.send({ type: 'ack', client_id, session_id: sessionId, turn_id: turnId });
  }

  #tellError(thrown: unknown, of: FrameNames): void {
    const error = toAppError(thrown);
    const { clientId: client_id, requestId: request_id } = of;
    const { status, retryAfterMs: retry_after_ms } = error;
    if (status >= 500) this.#options.log.error({ err: error, request_id }, 'a frame failed');
    void this.#socket.send({ type: 'error', error: toFrameError(error), client_id, request_id, retry_after_ms });
  }

  #refuse(error: AppError, { clientId: client_id, requestId: request_id = newId() }: Partial<FrameNames> = {}): void {
    const { code, status, retryAfterMs: retry_after_ms } = error;
    this.#options.log.info({ request_id, user_id: this.#userId, code }, 'a WebSocket is refused');
    const closeCode = status >= 500 ? closeCodes.tryAgainLater : closeCodes.policyViolation;
    this.#socket.fail(error, closeCode, { client_id, request_id, retry_after_ms });
  }
}

function keyOf({ userId }: Caller, turn: { turn_id: string; session_id?: string | undefined }): TurnKey {
  return { userId, sessionId: turn.session_id ?? null, turnId: turn.turn_id };
}
