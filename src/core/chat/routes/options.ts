import type { Database } from '../../../platform/postgres/index.ts';
import type { Models } from '../../models/index.ts';
import type { Assistants } from '../assistants.ts';
import type { ChatBatches } from '../batches.ts';
import type { Metering } from '../meter-models.ts';
import type { TurnRunner } from '../turns/turn-runner.ts';

/** What the routes of chat need. */
export interface ChatRouteOptions extends Metering {
  readonly database: Database;
  readonly batches: ChatBatches;
  readonly models: Models;
  readonly turns: TurnRunner;
  /** The assistants that this server has. */
  readonly assistants: Assistants;
  /** How long most requests may take, in milliseconds. */
  readonly requestBudgetMs: number;
  /** How long creating a session may take, in milliseconds. */
  readonly sessionCreateBudgetMs: number;
  /** How long a request may take that waits for a model, in milliseconds. */
  readonly modelBudgetMs: number;
}
