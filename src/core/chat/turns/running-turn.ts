import type { Deadline } from '../../../base/deadline.ts';
import type { AppError } from '../../../base/errors.ts';
import type { Span } from '../../../base/span.ts';
import { toWireError } from '../../../platform/http/index.ts';
import type { Message, Usage } from '../schemas.ts';
import { showMessage } from '../show-message.ts';
import type { StoredTurnEnd } from './store/store-turn-end.ts';
import type { StoredToolCall, ToolOutcome } from './tool-call.ts';
import { neverDone, type TurnDraft, toolFinished, toolStarted } from './turn-draft.ts';
import { TurnFeed } from './turn-feed.ts';

/** How a turn came out, for whoever waits for the whole of it. */
export interface TurnResult {
  readonly message: Message;
  readonly usage: Usage | null;
  /** Of the session once the answer was stored; null when it is not known. */
  readonly version: number | null;
}

/** Which turn it is, what asked for it, and where its answer goes. */
export interface RunningTurnKey {
  readonly userId: string;
  readonly sessionId: string;
  readonly turnId: string;
  /** The id that the answer's message will have. */
  readonly messageId: string;
  readonly requestId: string;
  /** The step of a trace that started it. */
  readonly trace?: Span | undefined;
  /** The model that is asked. */
  readonly model: string;
}

const ENDS_IN_HALF_CHARACTER = /[\uD800-\uDBFF]$/;

/** A turn while this process runs it. */
export class RunningTurn implements TurnDraft {
  readonly key: RunningTurnKey;
  readonly feed: TurnFeed;
  /** Ends the work of model and tools when the turn's time is up or the turn is cancelled. */
  readonly deadline: Deadline;
  readonly #settle = Promise.withResolvers<TurnResult>();
  /** The answer once it is stored; rejects with an AppError when the turn did not complete. */
  readonly result = this.#settle.promise;
  text = '';
  readonly deltaChars: number[] = [];
  readonly toolCalls: StoredToolCall[] = [];
  /** The model that wrote last: the one that was asked for, or the one that stood in. */
  writtenBy: string;
  /** Whether the offline model stood in for it. */
  isDegraded = false;
  usage: Usage | null = null;
  /** The model that took it: the one that stood in only where no other did. */
  usedModel: string;
  /** How many events, and how many pieces and characters of `text`, are stored. */
  saved = { events: 0, pieces: 0, chars: 0 };
  /** When the database last heard of the turn, on the monotonic clock. */
  lastSavedMs: number;
  /** Whether nothing more will be written: the turn's end is about to be stored. */
  isWritten = false;
  readonly #written = Promise.withResolvers<void>();
  /** Resolves then. */
  readonly written = this.#written.promise;
  /** Whether it is known how the turn ended. */
  hasEnded = false;
  /** The first half of a character whose second half has not come. */
  #half = '';
  /** Put before the next piece: what is written after a round of calls begins a paragraph of its own. */
  #gap = '';

  constructor(key: RunningTurnKey, deadline: Deadline, startedMs: number) {
    this.key = key;
    this.deadline = deadline;
    this.writtenBy = key.model;
    this.usedModel = key.model;
    this.lastSavedMs = startedMs;
    this.feed = new TurnFeed(key.turnId);
    // A streaming reader takes the error from the feed; then nobody waits here.
    this.result.catch(() => undefined);
  }

  /** Tells everyone that the user's message is stored. */
  begin(message: Message): void {
    this.feed.append({ type: 'turn.started', session_id: this.key.sessionId, message });
    this.saved.events = this.feed.length;
  }

  /** Takes so many pieces for stored, because an earlier save turned out to have been made, or not to have lasted. */
  resumeSaving(pieces: number): void {
    const chars = this.deltaChars.slice(0, pieces).reduce((sum, length) => sum + length, 0);
    this.saved = { ...this.saved, pieces, chars };
  }

  /** Takes more of the answer from the model, as far as it can be stored as text, and passes it on. */
  write(piece: string): void {
    const text = this.#half + piece.replaceAll('\0', '');
    this.#half = ENDS_IN_HALF_CHARACTER.exec(text)?.[0] ?? '';
    const whole = text.slice(0, text.length - this.#half.length).toWellFormed();
    if (whole === '') return;
    const delta = this.#gap + whole;
    this.#gap = '';
    this.text += delta;
    this.deltaChars.push(delta.length);
    this.feed.append({ type: 'message.delta', delta });
  }

  /** What was used so far, prompts and answers together. */
  get usedTokens(): number {
    return (this.usage?.prompt_tokens ?? 0) + (this.usage?.completion_tokens ?? 0);
  }

  /** Adds what a call of the model took, or of the one that stood in for it. */
  addUsage({ prompt_tokens, completion_tokens }: Usage, isOfStandIn = false): void {
    const model = isOfStandIn ? this.writtenBy : this.key.model;
    if (this.usage !== null && this.usedModel !== model) {
      // The words of the one that stood in are no tokens of the other.
      if (isOfStandIn) return;
      this.usage = null;
    }
    this.usedModel = model;
    const { prompt_tokens: prompt = 0, completion_tokens: completion = 0 } = this.usage ?? {};
    this.usage = { prompt_tokens: prompt + prompt_tokens, completion_tokens: completion + completion_tokens };
  }

  /** Tells everyone that the calls of a step begin. */
  beginCalls(calls: readonly StoredToolCall[]): void {
    this.toolCalls.push(...calls);
    this.#gap = this.text === '' || this.text.endsWith('\n') ? '' : '\n\n';
    for (const call of calls) this.feed.append(toolStarted(call));
  }

  /** Tells everyone what came of a call; to be told in the order in which the calls of a step began. */
  finishCall(call: StoredToolCall, outcome: ToolOutcome): void {
    this.feed.append(toolFinished(Object.assign(call, outcome)));
  }

  /** Answers the calls that the turn's end came before, or whose reading it cut off. */
  closeCalls(): void {
    for (const call of this.toolCalls) if (call.is_error === undefined) this.finishCall(call, neverDone);
  }

  /** Says that the model will write nothing more. */
  endWriting(): void {
    this.isWritten = true;
    this.#written.resolve();
  }

  /** Tells everyone that the answer is stored, all of it or what there was when the user stopped the turn. */
  complete(seq: number, { endedAt, version }: StoredTurnEnd, status: 'completed' | 'stopped'): void {
    const { usage } = this;
    const { sessionId, turnId, messageId } = this.key;
    const message = showMessage(sessionId, {
      id: messageId,
      turn_id: turnId,
      seq,
      role: 'assistant',
      content: this.text,
      tool_calls: this.toolCalls,
      status: status === 'completed' ? 'complete' : 'incomplete',
      model: this.writtenBy,
      degraded: this.isDegraded,
      created_at: endedAt,
    });
    this.feed.append({ type: 'message.completed', message });
    this.feed.append({ type: 'turn.completed', status, usage });
    this.feed.end();
    this.hasEnded = true;
    this.#settle.resolve({ message, usage, version });
  }

  /** Tells everyone that there will be no whole answer, and why. */
  fail(error: AppError): void {
    this.feed.append({ type: 'error', error: toWireError(error) });
    this.feed.end();
    this.hasEnded = true;
    this.#settle.reject(error);
  }
}
