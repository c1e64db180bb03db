import { setTimeout as sleep } from 'node:timers/promises';
import { defineErrors } from '../../src/base/errors.ts';
import type { Assistant, Tool, ToolCallContext } from '../../src/core/chat/index.ts';

const desk = defineErrors('desk', {
  drawer_locked: { status: 409, message: 'The drawer is locked. Ask for the key.' },
});

/** A run of a tool of the test assistant. */
export interface ToolRun {
  readonly tool: string;
  readonly input: unknown;
  readonly userId: string;
}

/** An assistant that keeps notes in memory, with a tool for everything that a tool can do to a turn. */
export interface TestAssistant extends Assistant {
  /** The runs so far, in the order in which they began. */
  readonly runs: ToolRun[];
  /** All that the last run was given beside its input. */
  lastCall: ToolCallContext | undefined;
  /** How many tools ran at the same time, at most. */
  mostAtOnce: number;
}

/** What a tool of it does with its input. */
type Handler = (input: { text: string }, call: ToolCallContext) => unknown;

const input = {
  type: 'object',
  properties: { text: { type: 'string', maxLength: 200 } },
  required: ['text'],
  additionalProperties: false,
};

/** Makes the assistant `desk`. */
export function createTestAssistant(): TestAssistant {
  const notes: string[] = [];
  const runs: ToolRun[] = [];
  let atOnce = 0;

  function tool(name: string, writes: boolean, handler: Handler): Tool {
    return {
      name: `desk_${name}`,
      description: `Does ${name}.`,
      parameters: input,
      writes,
      async run(given, call) {
        assistant.lastCall = call;
        runs.push({ tool: name, input: given, userId: call.userId });
        assistant.mostAtOnce = Math.max(assistant.mostAtOnce, ++atOnce);
        try {
          return await handler(given as { text: string }, call);
        } finally {
          atOnce--;
        }
      },
    };
  }

  const assistant: TestAssistant = {
    name: 'desk',
    description: 'Keeps notes.',
    instructions: 'You keep notes.',
    tools: [
      tool('note', true, async ({ text }) => {
        await sleep(20);
        return { noted: text, notes: notes.push(text) };
      }),
      tool('read', false, async () => {
        await sleep(20);
        return notes;
      }),
      tool('recite', false, ({ text }) => text.repeat(1_000)),
      tool('unlock', false, () => {
        throw desk.raise.drawer_locked();
      }),
      tool('break', false, () => {
        throw new Error('secret of the inside');
      }),
      tool('hang', false, () => new Promise(() => {})),
    ],
    runs,
    lastCall: undefined,
    mostAtOnce: 0,
  };
  return assistant;
}
