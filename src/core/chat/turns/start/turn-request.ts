import type { Idempotency, IdempotentOutcome } from '../../../accounts/index.ts';
import type { RunningTurn } from '../running-turn.ts';
import type { StoredTurn } from '../stored-turn.ts';

/** A message of a user to a session, once by its key if it has one. */
export interface NewMessage extends Idempotency {
  /** Null: a new one is made, with the turn. */
  readonly sessionId: string | null;
  /** Of a new session; a session keeps its own. */
  readonly assistant?: string | null;
  readonly content: string;
}

/** A turn whose message is to be answered again, once by its key if it has one. */
export interface Retry extends Idempotency {
  readonly sessionId: string;
  readonly retriedId: string;
}

/** By what it is known that a request has started a turn before, and in which session. */
export type AskedOnce = Idempotency & { readonly sessionId: string };

/** What the database tells of a turn that begins. */
export interface BegunTurn extends IdempotentOutcome {
  /** A `StartedTurn`. */
  readonly turn: unknown;
  /** The user's message. */
  readonly content: string | null;
  /** A `StoredHistory`. */
  readonly history: unknown;
  /** Of a retry: the tool calls of each answer that the message was given before, if there are any. */
  readonly tried?: unknown;
}

/** What came of a message or a retry. */
export interface TurnStart {
  readonly turn: RunningTurn | StoredTurn;
  /** Whether the turn was started by an earlier request with the same Idempotency-Key. */
  readonly replayed: boolean;
}
