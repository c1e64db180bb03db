import { AppError } from '../../../base/errors.ts';
import { httpErrors, toWireError } from '../../../platform/http/index.ts';
import { postgresErrors } from '../../../platform/postgres/index.ts';
import { signInErrors } from '../../accounts/index.ts';
import { authErrors } from '../../keys/index.ts';
import { modelErrors } from '../../models/index.ts';
import { limitErrors } from '../../plans/index.ts';
import { chatErrors } from '../errors.ts';
import type { Message, Usage } from '../schemas.ts';
import { showMessage, showQuestion } from '../show-message.ts';
import type { TurnKey, TurnRow } from './queries.ts';
import type { TurnResult } from './running-turn.ts';
import type { StoredToolCall } from './tool-call.ts';
import { draftEvents } from './turn-draft.ts';
import type { TurnEventBody } from './turn-event.ts';
import { TurnFeed } from './turn-feed.ts';

/** What a turn can end with: what the model, the database or the server failed with, and why its user may have no more. */
const catalogue = [chatErrors, modelErrors, httpErrors, postgresErrors, authErrors, signInErrors, limitErrors].flatMap(
  (errors) => errors.catalogue,
);

/** The error that a turn ended in, as it was told. */
function recallError({ error_code: code, error_message: message }: TurnRow): AppError {
  const entry = catalogue.find((known) => known.code === code);
  if (entry === undefined) return httpErrors.raise.internal();
  return new AppError(entry.code, { ...entry, message: message ?? entry.message });
}

/** What a turn took; null while, or where, it is not known. */
export const usageOf = ({ prompt_tokens, completion_tokens }: TurnRow): Usage | null =>
  prompt_tokens === null || completion_tokens === null ? null : { prompt_tokens, completion_tokens };

function questionOf(row: TurnRow): Message | undefined {
  const { question_id: id, question_seq: seq, question: content, question_at: createdAt } = row;
  if (seq === null || content === null) return undefined;
  return showQuestion(row.session_id, { id, seq, content, turn_id: row.question_turn_id, created_at: createdAt });
}

function answerOf(row: TurnRow): Message | undefined {
  const { answer_id: id, answer_seq: seq, answer_status: status, text: content, ended_at: endedAt } = row;
  if (id === null || seq === null || endedAt === null) return undefined;
  return showMessage(row.session_id, {
    ...{ id, seq, status, content, role: 'assistant', turn_id: row.id, created_at: endedAt },
    ...{ tool_calls: row.tool_calls, model: row.answer_model, degraded: row.answer_degraded ?? false },
  });
}

const hasAnswered = ({ status }: TurnRow): boolean => status === 'completed' || status === 'stopped';

/** What came of a turn: its answer, or what it failed with; undefined while it runs. */
function outcomeOf(row: TurnRow): Message | AppError | undefined {
  if (row.status === 'running') return undefined;
  return (hasAnswered(row) ? answerOf(row) : undefined) ?? recallError(row);
}

/** The events of a turn as far as it is stored: the same that those who read it live were told. */
function* storedEvents(row: TurnRow, outcome: Message | AppError | undefined): Generator<TurnEventBody> {
  const question = questionOf(row);
  if (question !== undefined) yield { type: 'turn.started', session_id: row.session_id, message: question };
  const toolCalls = (row.tool_calls ?? []) as StoredToolCall[];
  yield* draftEvents({ text: row.text ?? '', deltaChars: row.delta_chars, toolCalls });
  if (outcome === undefined) return;
  if (outcome instanceof AppError) {
    yield { type: 'error', error: toWireError(outcome) };
  } else {
    yield { type: 'message.completed', message: outcome };
    yield { type: 'turn.completed', status: row.status, usage: usageOf(row) };
  }
}

/** A turn that this process does not run, as it is stored: for readers the same as one that it runs. */
export class StoredTurn {
  readonly key: TurnKey & { sessionId: string };
  readonly feed: TurnFeed;
  readonly #settle = Promise.withResolvers<TurnResult>();
  /** The answer; rejects with an AppError when the turn did not complete. */
  readonly result = this.#settle.promise;
  /** Whether it is known how the turn ended. */
  hasEnded = false;
  /** The turn's heartbeat that was seen last. */
  heartbeatAt: Date | null = null;

  constructor(key: StoredTurn['key']) {
    this.key = key;
    this.feed = new TurnFeed(key.turnId);
    // A streaming reader takes the error from the feed; then nobody waits here.
    this.result.catch(() => undefined);
  }

  /** Tells the readers what is new in the turn. */
  update(row: TurnRow): void {
    if (this.hasEnded || !row.is_news) return;
    this.heartbeatAt = row.heartbeat_at;
    const outcome = outcomeOf(row);
    for (const event of [...storedEvents(row, outcome)].slice(this.feed.length)) this.feed.append(event);
    if (outcome === undefined) return;
    this.#end();
    if (outcome instanceof AppError) this.#settle.reject(outcome);
    else this.#settle.resolve({ message: outcome, usage: usageOf(row), version: null });
  }

  /** Tells the readers that the turn is gone. */
  lose(error: AppError): void {
    this.feed.append({ type: 'error', error: toWireError(error) });
    this.#end();
    this.#settle.reject(error);
  }

  #end(): void {
    this.feed.end();
    this.hasEnded = true;
  }
}
