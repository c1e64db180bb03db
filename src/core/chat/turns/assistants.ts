import { createInputCheck, type InputCheck } from '../../../platform/http/index.ts';
import type { Tool as ModelTool } from '../../models/index.ts';
import type { Assistant, Tool } from '../assistant.ts';
import { chatErrors } from '../errors.ts';

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

  /**
   * The assistant of a session; undefined for a session with the model itself.
   * @throws AppError 400 `chat.assistant_not_found`.
   */
  get(name: string | null): ReadyAssistant | undefined {
    if (name === null) return undefined;
    const assistant = this.#byName.get(name);
    if (assistant === undefined) {
      const names = [...this.#byName.keys()].join(', ');
      throw chatErrors.raise.assistant_not_found({ names }, { param: 'assistant' });
    }
    return assistant;
  }
}
