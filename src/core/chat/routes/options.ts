import { newId } from '../../../base/ids.ts';
import type { Database } from '../../../platform/postgres/index.ts';
import type { Caller } from '../../accounts/index.ts';
import type { Models } from '../../models/index.ts';
import type { Assistant } from '../assistant.ts';
import type { ChatBatches } from '../batches.ts';
import type { Metering } from '../meter-models.ts';
import type { Actor } from '../queries.ts';
import type { TurnRunner } from '../turns/turn-runner.ts';

/** What the routes of chat need. */
export interface ChatRouteOptions extends Metering {
  readonly database: Database;
  readonly batches: ChatBatches;
  readonly models: Models;
  readonly turns: TurnRunner;
  /** The assistants that this server has. */
  readonly assistants: readonly Assistant[];
  /** How long most requests may take, in milliseconds. */
  readonly requestBudgetMs: number;
  /** How long creating a session may take, in milliseconds. */
  readonly sessionCreateBudgetMs: number;
  /** How long a request may take that waits for a model, in milliseconds. */
  readonly modelBudgetMs: number;
}

/** The caller as the activity row names it. */
export function actorOf(caller: Caller): Actor {
  return { userId: caller.userId, keyId: caller.keyId, ip: caller.ip, activityId: newId() };
}
