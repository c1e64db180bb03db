import type { CallContext } from '../../base/call-context.ts';
import type { Clock } from '../../base/time.ts';
import { findAccounts, type Idempotency, unrepeatable } from '../../core/accounts/index.ts';
import { type Models, OFFLINE } from '../../core/models/index.ts';
import type { AssistantContext, BatchRow } from '../../kit/index.ts';
import type { Logger } from '../../platform/log/index.ts';
import {
  type Batched,
  type BatchObservers,
  createBatch,
  type Database,
  inPages,
  type Statement,
} from '../../platform/postgres/index.ts';
import { askModel } from './ask-model.ts';
import { createOnce } from './create-once.ts';
import { KeyedLock } from './keyed-lock.ts';
import { type AssistantMetering, meterUser } from './meter-user.ts';
import type { UserCache } from './user-cache.ts';

/** What assistants reach through their contexts. */
export interface ContextParts extends AssistantMetering {
  readonly database: Database;
  readonly models: Models;
  readonly clock: Clock;
  readonly log: Logger;
  readonly cache: UserCache;
  /** For metrics, where somebody can read them. */
  readonly observers?: BatchObservers;
}

/** On whose behalf an assistant acts, and how long it may take. */
export interface Occasion {
  readonly userId: string;
  /** The user's plan, where a request tells it. */
  readonly plan?: string;
  /** Whether it is a job: nobody has set tokens aside for what it asks of a model. */
  readonly isJob?: boolean;
  readonly call: CallContext;
  /** How the request may be repeated, where it is one. */
  readonly idempotency?: Idempotency;
  /** Called when an earlier request's answer is repeated. */
  onReplay?(): void;
}

type SharedMaker = (inputs: readonly object[]) => Statement<BatchRow>;
type Share = Batched<object, BatchRow>;

/** Makes the contexts of one assistant. A statement that does not begin with its name is refused. */
export function createContexts(name: string, parts: ContextParts): (occasion: Occasion) => AssistantContext {
  const { database, models, clock, cache, observers } = parts;
  const log = parts.log.child({ assistant: name });
  const batches = new Map<SharedMaker, Share>();
  const lock = new KeyedLock();

  const own = <Row>(statement: Statement<Row>): Statement<Row> => {
    if (statement.name.startsWith(`${name}.`)) return statement;
    throw new Error(`The statement ${statement.name} is not one of the assistant ${name}.`);
  };
  const batchOf = (statement: SharedMaker): Share => {
    const known = batches.get(statement);
    if (known !== undefined) return known;
    const batch = createBatch(
      { statement: (inputs: readonly object[]) => own(statement(inputs)) },
      { ...observers, database, clock },
    );
    batches.set(statement, batch);
    return batch;
  };

  const hasModel = models.get().id !== OFFLINE;

  return ({ userId, plan, isJob = false, call, idempotency = unrepeatable, onReplay }) => {
    const owner = `${name}:${userId}`;
    const named = (fields: object) => ({ request_id: call.requestId, ...fields });
    const share = (statement: unknown, input: object) =>
      batchOf(statement as SharedMaker)({ ...input, userId }, call) as Promise<never[]>;
    return {
      ...{ userId, clock, hasModel, deadline: call.deadline },
      log: {
        info: (fields, text) => log.info(named(fields), text),
        warn: (fields, text) => log.warn(named(fields), text),
      },
      query: (statement, input) => database.query(own(statement({ ...input, userId } as never)), call),
      eraseAll: (statement) => inPages((limit) => database.query(own(statement({ userId, limit })), call)),
      share,
      once: createOnce({ userId, call, idempotency, onReplay }, { database, lock, share }),
      cached: (valueName, ttlMs, load) => cache.read(owner, { name: valueName, ttlMs, load }),
      forget: () => cache.forget(owner),
      ask: async (question) => {
        // Other servers may have let the user spend more since this process read it last, hours ago.
        if (isJob) parts.tokenBudget.doubt(userId);
        const [account] = isJob ? await database.query(findAccounts([{ userId }]), call) : [{ plan }];
        return await askModel(meterUser(models, { userId, plan: account?.plan }, parts), question, call);
      },
    };
  };
}
