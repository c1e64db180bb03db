import type { CallContext } from '../../base/call-context.ts';
import { createInputCheck, type InputCheck } from '../../platform/http/index.ts';
import type { Tool as ModelTool, PlainCommands } from '../models/index.ts';
import { chatErrors } from './errors.ts';

/** Who a tool acts for, and how long it may take. Never from the model's arguments. */
export interface ToolCallContext {
  readonly userId: string;
  /** Its deadline is what is left of the turn's. */
  readonly context: CallContext;
}

/** Something that an assistant may do, as turns run it. */
export interface Tool {
  /** Its assistant's name, an underscore, and what it does. */
  readonly name: string;
  /** Read by the model. */
  readonly description: string;
  /** JSON Schema of the input, read by the model; an input that does not fit is not run. */
  readonly parameters: Readonly<Record<string, unknown>>;
  /** Whether it changes anything. */
  readonly writes: boolean;
  /**
   * Runs it with an input that fits. What it returns is told to the model as JSON.
   * @throws AppError with a message that is told to the model; any other error is told as a failure without details.
   */
  run(input: unknown, call: ToolCallContext): Promise<unknown>;
}

/** An assistant, as turns run it. */
export interface Assistant {
  readonly name: string;
  /** For people who choose one. */
  readonly description: string;
  /** Told to the model before the conversation. */
  readonly instructions: string;
  readonly tools: readonly Tool[];
  /** What works without a model. */
  readonly commands?: PlainCommands;
}

/** A tool with the check of its input. */
export interface CheckedTool extends Tool {
  readonly check: InputCheck;
}

/** An assistant, ready for turns. */
export interface ReadyAssistant extends Assistant {
  /** Its tools as the model is told of them. */
  readonly offered: readonly ModelTool[];
  /** Its tools by name. */
  readonly toolset: ReadonlyMap<string, CheckedTool>;
}

/** @throws Error naming the tool, when its schema cannot be checked: with a format that is not known, say. */
function createCheck({ name, parameters }: Tool): InputCheck {
  try {
    return createInputCheck(parameters);
  } catch (cause) {
    throw new Error(`The input of the tool ${name} is no schema: ${(cause as Error).message}`, { cause });
  }
}

function prepare(assistant: Assistant): ReadyAssistant {
  const offered = assistant.tools.map(({ name, description, parameters }): ModelTool => {
    return { type: 'function', function: { name, description, parameters: { ...parameters } } };
  });
  const checked = assistant.tools.map((tool): CheckedTool => ({ ...tool, check: createCheck(tool) }));
  return { ...assistant, offered, toolset: new Map(checked.map((tool) => [tool.name, tool])) };
}

/** The assistants of a server, each ready for turns. */
export class Assistants {
  readonly #byName: ReadonlyMap<string, ReadyAssistant>;

  constructor(assistants: readonly Assistant[]) {
    this.#byName = new Map(assistants.map((assistant) => [assistant.name, prepare(assistant)]));
  }

  /** In the order in which they were given. */
  get names(): string[] {
    return [...this.#byName.keys()];
  }

  /**
   * The assistant of a session; undefined for a session with the model itself.
   * @throws AppError 400 `chat.assistant_not_found`.
   */
  get(name: string | null): ReadyAssistant | undefined {
    if (name === null) return undefined;
    const assistant = this.#byName.get(name);
    if (assistant === undefined) {
      throw chatErrors.raise.assistant_not_found({ names: this.names.join(', ') }, { param: 'assistant' });
    }
    return assistant;
  }
}
