import type { StoredToolCall, ToolOutcome } from './tool-call.ts';

/** What came of calling a tool with an input. */
interface Done {
  readonly outcome: Promise<ToolOutcome>;
  /** How many writes there had been. */
  readonly writes: number;
}

/** A call, and how it is run. Never rejects. */
interface Run {
  readonly call: StoredToolCall;
  /** Whether the tool changes anything. */
  readonly writes: boolean;
  readonly run: () => Promise<ToolOutcome>;
}

/** The same for equal calls: the keys of objects are in their order. */
function keyOf({ name, arguments: input }: StoredToolCall): string {
  return JSON.stringify([name, input], (_key, part: unknown) => {
    if (typeof part !== 'object' || part === null || Array.isArray(part)) return part;
    return Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1)));
  });
}

/** What a write is answered that was done before other writes: its result may be true no more. */
function tellAgain({ result, ...outcome }: ToolOutcome): ToolOutcome {
  if (outcome.is_error) return { result, ...outcome };
  return { ...outcome, result: { note: 'This was done before, and is not done again. Its result was:', result } };
}

/**
 * What the tools of a turn were called for: models repeat themselves, and nothing is done twice. The same call again gets the
 * same answer, except that what was read before something was written is read anew, and what failed without an effect may
 * be tried again.
 */
export class DoneCalls {
  readonly #done = new Map<string, Done>();
  #writes = 0;

  /** @param earlier writes that were made for the same message, in turns that did not complete. */
  constructor(earlier: readonly StoredToolCall[]) {
    for (const call of earlier) {
      const { result, is_error = true, is_unsure } = call;
      const key = keyOf(call);
      if ((is_error && !is_unsure) || this.#done.has(key)) continue;
      const outcome = Promise.resolve({ result, is_error, ...(is_unsure && { is_unsure }) });
      this.#done.set(key, { outcome, writes: this.#writes++ });
    }
  }

  /** Runs a call unless the same one was. */
  async runOnce({ call, writes, run }: Run): Promise<ToolOutcome> {
    const key = keyOf(call);
    const known = this.#done.get(key);
    if (known?.writes === this.#writes) return known.outcome;
    if (known !== undefined && writes) return tellAgain(await known.outcome);
    if (writes) this.#writes++;
    const done = { outcome: run(), writes: this.#writes };
    this.#done.set(key, done);
    const outcome = await done.outcome;
    const hadNoEffect = outcome.is_error && !outcome.is_unsure;
    if (hadNoEffect && this.#done.get(key) === done) this.#done.delete(key);
    return outcome;
  }
}
