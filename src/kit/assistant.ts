import type { ErrorSet } from '../base/errors.ts';
import type { PlainCommands } from '../core/models/index.ts';
import type { AssistantContext } from './context.ts';
import type { AssistantJob } from './job.ts';
import type { AssistantRoute } from './route.ts';
import type { AssistantTool } from './tool.ts';

/**
 * What an assistant is, beside its `instructions.md`. It has no name of its own: the folder's is its name, its schema in
 * Postgres, and what its tools (`todo_`), errors, statements and jobs (`todo.`), and routes (`/api/todo/`) begin with.
 */
export interface AssistantManifest {
  /** For people who choose one. */
  readonly description: string;
  readonly tools: readonly AssistantTool[];
  readonly routes?: readonly AssistantRoute[];
  readonly jobs?: readonly AssistantJob[];
  readonly errors?: ErrorSet<unknown>;
  /** What it understands without a model. */
  readonly commands?: PlainCommands;
  /** All that it stores about the user of the context, entry by entry, as JSON. */
  exportUser(context: AssistantContext): AsyncIterable<unknown>;
  /**
   * Deletes all that it stores about the user of the context: of a table that may have many rows of one user, by
   * `context.eraseAll`. Doing it again changes nothing.
   */
  eraseUser(context: AssistantContext): Promise<void>;
}

/** Declares an assistant: `export const assistant = defineAssistant({ … })` is the one export of its `index.ts`. */
export function defineAssistant(manifest: AssistantManifest): AssistantManifest {
  return manifest;
}
