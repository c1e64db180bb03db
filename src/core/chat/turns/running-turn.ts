import type { Deadline } from '../../../base/deadline.ts';
import type { AppError } from '../../../base/errors.ts';
import { toWireError } from '../../../platform/http/index.ts';
import type { Message, Usage } from '../schemas.ts';
import { TurnFeed } from './turn-feed.ts';

/** How a turn came out, for whoever waits for the whole of it. */
export interface TurnResult {
  readonly message: Message;
  readonly usage: Usage | null;
}

/** What identifies a turn and where its answer goes. */
export interface TurnIdentity {
  readonly userId: string;
  readonly sessionId: string;
  readonly turnId: string;
  /** The id that the answer's message will have. */
  readonly messageId: string;
  readonly requestId: string;
  readonly model: string;
}

/** Where a message came to stand when it was stored. */
export interface StoredPlace {
  readonly seq: number;
  readonly createdAt: Date;
}

/** A turn while this process runs it. */
export class RunningTurn {
  readonly identity: TurnIdentity;
  readonly feed: TurnFeed;
  /** Ends the model's work when the turn's time is up or the turn is cancelled. */
  readonly deadline: Deadline;
  /** The answer once it is stored; rejects with an AppError when the turn did not complete. */
  readonly result: Promise<TurnResult>;
  /** All that the model wrote so far. */
  text = '';
  /** How many characters of `text` are stored. */
  savedChars = 0;
  /** When the database last heard of the turn, on the monotonic clock. */
  lastSavedMs: number;
  /** Whether it is known how the turn ended. */
  hasEnded = false;
  readonly #settle: PromiseWithResolvers<TurnResult>;

  constructor(identity: TurnIdentity, deadline: Deadline, startedMs: number) {
    this.identity = identity;
    this.deadline = deadline;
    this.lastSavedMs = startedMs;
    this.feed = new TurnFeed(identity.turnId);
    this.#settle = Promise.withResolvers<TurnResult>();
    this.result = this.#settle.promise;
    // A streaming reader takes the error from the feed; then nobody waits here.
    this.result.catch(() => undefined);
  }

  /** Tells everyone that the user's message is stored. */
  begin(message: { id: string; content: string }, place: StoredPlace): void {
    const { sessionId } = this.identity;
    this.feed.append({
      type: 'turn.started',
      session_id: sessionId,
      message: this.#message({ ...message, role: 'user', model: null }, place),
    });
  }

  /** Takes more of the answer from the model and passes it on. */
  write(delta: string): void {
    this.text += delta;
    this.feed.append({ type: 'message.delta', delta });
  }

  /** Tells everyone that the answer is stored. */
  complete(place: StoredPlace, usage: Usage | null): void {
    const { messageId, model } = this.identity;
    const message = this.#message({ id: messageId, content: this.text, role: 'assistant', model }, place);
    this.feed.append({ type: 'message.completed', message });
    this.feed.append({ type: 'turn.completed', usage });
    this.feed.end();
    this.hasEnded = true;
    this.#settle.resolve({ message, usage });
  }

  /** Tells everyone that there will be no whole answer, and why. */
  fail(error: AppError): void {
    this.feed.append({ type: 'error', error: toWireError(error) });
    this.feed.end();
    this.hasEnded = true;
    this.#settle.reject(error);
  }

  #message(message: Pick<Message, 'id' | 'content' | 'role' | 'model'>, place: StoredPlace): Message {
    const { sessionId, turnId } = this.identity;
    return {
      ...message,
      object: 'chat.message',
      session_id: sessionId,
      turn_id: turnId,
      seq: place.seq,
      status: 'complete',
      created_at: place.createdAt.toISOString(),
    };
  }
}
