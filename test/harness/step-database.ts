import { DatabaseError } from 'pg';
import type { CallContext } from '../../src/base/call-context.ts';
import { type Database, type Statement, sql } from '../../src/platform/postgres/index.ts';

/** What a caller asks for. */
export interface Input {
  readonly id: number;
  readonly key: string;
  /** Whether Postgres refuses it. */
  readonly fails: boolean;
}

/** What a caller asks for: something of its own, which is not refused, unless it is said otherwise. */
export const input = (id: number, options: Partial<Input> = {}): Input => ({
  id,
  key: String(id),
  fails: false,
  ...options,
});

/** What it is answered. */
export interface Row {
  i: number;
  id: number;
}

/** A statement of `StepDatabase`. */
export const statement = (inputs: readonly Input[]): Statement<Row> => sql`
  -- test.batch
  select ${inputs}`;

/** A database that answers when it is told to, all or nothing, and remembers what it did. */
export class StepDatabase implements Database {
  readonly sent: Input[][] = [];
  readonly done: number[] = [];
  readonly cancelled: Input[][] = [];
  /** How many statements share its connections, as each that was sent said. */
  readonly sharedBy: (number | undefined)[] = [];
  /** The statements under way. */
  readonly open = new Set<() => void>();

  query<R>({ values, sharedBy }: Statement<R>, { deadline }: CallContext): Promise<R[]> {
    const inputs = values[0] as Input[];
    this.sent.push(inputs);
    this.sharedBy.push(sharedBy);
    return new Promise((resolve, reject) => {
      const answer = (): void => {
        this.open.delete(answer);
        if (inputs.some(({ fails }) => fails)) {
          reject(new DatabaseError('refused', 0, 'error'));
          return;
        }
        this.done.push(...inputs.map(({ id }) => id));
        resolve(inputs.map(({ id }, index) => ({ i: index + 1, id })) as R[]);
      };
      this.open.add(answer);
      deadline.signal.addEventListener('abort', () => {
        if (!this.open.delete(answer)) return;
        this.cancelled.push(inputs);
        reject(deadline.signal.reason);
      });
    });
  }

  /** Answers the oldest, or the newest, statement that is under way. */
  step(newest = false): void {
    const answers = [...this.open];
    (newest ? answers.at(-1) : answers[0])?.();
  }

  async finish(): Promise<void> {
    for (let idleTurns = 0; idleTurns < 5; idleTurns++) {
      await nextTurn();
      if (this.open.size > 0) idleTurns = 0;
      this.step();
    }
  }
}

/** The next turn of the event loop. */
export const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
