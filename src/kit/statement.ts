import type { Idempotency, IdempotentOutcome } from '../core/accounts/index.ts';
import type { Statement } from '../platform/postgres/index.ts';

/** The caller of a statement: bound by the context, never given by an assistant or a model. */
export interface Owned {
  readonly userId: string;
}

/** How a request may be repeated; both null when it has no Idempotency-Key. Bound by the context too. */
export type Repeatable = Idempotency;

/** A row that says, from 1, which input of a batch it answers. */
export interface BatchRow {
  readonly i: number | null;
}

/** What a statement answers that is run once for each Idempotency-Key. */
export interface OnceRow extends BatchRow, IdempotentOutcome {
  /** What the statement stored with the key, and answers again when the request is repeated. */
  readonly answer: unknown;
}

/** A statement of one caller. */
export type OwnStatement<Input extends Owned, Row> = (input: Input) => Statement<Row>;

/** A statement that many callers share. */
export type SharedStatement<Input extends Owned, Row extends BatchRow> = (inputs: readonly Input[]) => Statement<Row>;
