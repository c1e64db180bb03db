import type { Static, TSchema } from 'typebox';
import type { Deadline } from '../base/deadline.ts';
import type { Clock } from '../base/time.ts';
import type { BatchRow, OnceRow, Owned, OwnStatement, Repeatable, SharedStatement } from './statement.ts';

/** Where an assistant says what happened. Fields hold ids and counts, never what a user wrote. */
export interface AssistantLog {
  /** Says that something happened which is in order. */
  info(fields: object, text: string): void;
  /** Says that something happened which an operator may want to look at. */
  warn(fields: object, text: string): void;
}

/** Something to read by a model, and what is to come of it. */
export interface Question<Answer extends TSchema> {
  readonly instructions: string;
  readonly text: string;
  /** The JSON that is asked for. */
  readonly answer: Answer;
  /** How long the model may take, in milliseconds; never longer than the deadline. */
  readonly budgetMs?: number;
}

/** What an assistant says of the input of a statement that runs once. */
type OnceInput<Input> = Omit<Input, keyof Owned | keyof Repeatable>;

/**
 * All that an assistant has for one tool call, request or job. It is bound to the user on whose behalf that happens:
 * there is no way to anybody else's rows, whatever a model asks for.
 */
export interface AssistantContext {
  readonly userId: string;
  readonly clock: Clock;
  readonly log: AssistantLog;
  /** What is left of the time. Every call below keeps to it by itself. */
  readonly deadline: Deadline;

  /**
   * Runs a statement of the assistant's `queries.ts` for this user: `context.query(deleteItem, { id })`.
   * @throws AppError 503 `postgres.*` when the database is the trouble; pg's `DatabaseError` when the statement is refused.
   */
  query<Input extends Owned, Row>(statement: OwnStatement<Input, Row>, input: Omit<Input, keyof Owned>): Promise<Row[]>;

  /**
   * Runs a statement that deletes some of this user's rows and answers each, at most `limit`, until none is left: all in one
   * statement, hundreds of thousands of rows take longer than a statement may. What was deleted stays so when it fails.
   * @throws what `query` throws.
   */
  eraseAll(statement: OwnStatement<Owned & { readonly limit: number }, unknown>): Promise<void>;

  /** The same as `query` for a statement that is shared by all who run it at once; answers this caller's rows. */
  share<Input extends Owned, Row extends BatchRow>(
    statement: SharedStatement<Input, Row>,
    input: Omit<Input, keyof Owned>,
  ): Promise<Row[]>;

  /**
   * Runs a shared statement that writes, once for the Idempotency-Key of the request if it has one: a repeated request
   * is given the answer of the first, and says so in its headers.
   *
   * Input that is dear to make, such as by asking a model, is given as a function: it is called when no earlier request with
   * the key was answered, and not while this server works on another one.
   * @throws AppError 422 `idempotency.key_reused` when the key was used for another request; and what `share` and the
   *   function throw.
   */
  once<Input extends Owned & Repeatable, Row extends OnceRow>(
    statement: SharedStatement<Input, Row>,
    input: OnceInput<Input> | (() => Promise<OnceInput<Input>>),
  ): Promise<{ readonly answer: unknown }>;

  /**
   * A value that was read for this user, kept in memory for at most `ttlMs`; loaded when it is not there. Nobody may
   * change it. The name tells it from the assistant's other values for the user. On every server it is forgotten when a
   * statement notifies it of a change:
   *
   * ```sql
   * select pg_notify('evenkeel_assistants', 'notes:' || user_id)::text as told from changed
   * ```
   *
   * @throws what the load throws.
   */
  cached<Value>(name: string, ttlMs: number, load: () => Promise<Value>): Promise<Value>;

  /** Forgets what is cached for this user here and now, before the notification of the change comes back. */
  forget(): void;

  /** Whether there is a model to ask. */
  readonly hasModel: boolean;

  /**
   * Has the default model read a text and answer JSON of the given shape.
   * @throws AppError `models.*` when no model is configured, it fails, or its answer has another shape; in a request or a job, 429
   *   `limits.tokens_exceeded` when the user's plan allows no more, `limits.model_calls_exceeded` when it allows no more at once.
   */
  ask<Answer extends TSchema>(question: Question<Answer>): Promise<Static<Answer>>;
}
