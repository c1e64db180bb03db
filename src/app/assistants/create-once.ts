import type { CallContext } from '../../base/call-context.ts';
import { findEarlierAnswer, type Idempotency, onceByKey } from '../../core/accounts/index.ts';
import type { AssistantContext, OnceRow } from '../../kit/index.ts';
import type { Database } from '../../platform/postgres/index.ts';
import type { KeyedLock } from './keyed-lock.ts';

/** Whose request it is, and how it may be repeated. */
export interface OnceCall {
  readonly userId: string;
  readonly call: CallContext;
  readonly idempotency: Idempotency;
  /** Called when an earlier request's answer is repeated. */
  readonly onReplay: (() => void) | undefined;
}

/** What runs a statement once for each Idempotency-Key. */
export interface OnceParts {
  readonly database: Database;
  /** One for all who may be given the same key. */
  readonly lock: KeyedLock;
  share(statement: unknown, input: object): Promise<OnceRow[]>;
}

/**
 * Runs statements once for the key of a request. Of equal requests at once in this process, one has its input made, and the
 * others find its answer; in a fleet each server may make it, and one of them stores it.
 */
export function createOnce(
  { userId, call, idempotency, onReplay }: OnceCall,
  { database, lock, share }: OnceParts,
): AssistantContext['once'] {
  async function store(statement: unknown, input: object): Promise<OnceRow> {
    const row = await onceByKey(() => share(statement, { ...input, ...idempotency }));
    if (row === undefined) throw new Error('A statement that runs once answered no row.');
    if (row.replayed) onReplay?.();
    return row;
  }

  async function makeAndStore(statement: unknown, makeInput: () => Promise<object>): Promise<Pick<OnceRow, 'answer'>> {
    const answer = await findEarlierAnswer({ userId, ...idempotency }, { database, context: call });
    if (answer === undefined) return await store(statement, await makeInput());
    onReplay?.();
    return { answer };
  }

  return async (statement, input) => {
    if (typeof input !== 'function') return await store(statement, input);
    const work = () => makeAndStore(statement, input as () => Promise<object>);
    const { idempotencyKey } = idempotency;
    return idempotencyKey === null ? await work() : await lock.run(`${userId} ${idempotencyKey}`, call.deadline, work);
  };
}
