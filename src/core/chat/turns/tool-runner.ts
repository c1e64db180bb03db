import type { CallContext } from '../../../base/call-context.ts';
import { DeadlineExceeded } from '../../../base/deadline.ts';
import { AppError } from '../../../base/errors.ts';
import { findBodyFault } from '../../../platform/http/index.ts';
import type { Logger } from '../../../platform/log/index.ts';
import { isOutcomeUnknown } from '../../../platform/postgres/index.ts';
import { type AnsweredToolCall, newCallId } from '../../models/index.ts';
import type { CheckedTool, ReadyAssistant } from '../assistants.ts';
import { DoneCalls } from './done-calls.ts';
import type { RunningTurn } from './running-turn.ts';
import type { StoredToolCall, ToolOutcome } from './tool-call.ts';
import { cutOff, neverDone } from './turn-draft.ts';

/** Calls that a model may make at once; more are refused. With the bound of a result this bounds what a step can cost. */
const MAX_CALLS_PER_STEP = 8;

/** Calls of a step that are heard at all, refused ones included: what a mad provider can have stored and answered. */
const MAX_HEARD_PER_STEP = 64;

/** The most of a result that the model is told and that is stored, in characters. Some 8,000 tokens. */
const MAX_RESULT_CHARS = 32_000;

/** Objects and lists in a call's arguments. */
const MAX_BRACKETS = 2_000;

/** How long one tool may take, in milliseconds: far longer than a good one, far shorter than a turn. */
const TOOL_BUDGET_MS = 30_000;

/** The longest id of a call that is taken from a provider. */
const MAX_ID_CHARS = 100;

const failed = (error: string): ToolOutcome => ({ result: { error }, is_error: true });
const unsure = (error: string): ToolOutcome => ({ ...failed(`${error} It may have had an effect.`), is_unsure: true });

/** What a provider wants back with a call. */
function readExtra({ extra_content: extra }: AnsweredToolCall): Pick<StoredToolCall, 'extra_content'> {
  return typeof extra === 'object' && extra !== null ? { extra_content: extra as Record<string, unknown> } : {};
}

/** What is wrong with arguments of which only the text is kept. */
function explainArguments(text: string): string {
  return text.length < MAX_RESULT_CHARS
    ? 'The arguments are not a JSON object.'
    : `The arguments have more than ${MAX_RESULT_CHARS} characters: give less at once.`;
}

/** A result as it is stored: what JSON makes of it, cut when it is too long. */
function toStored(result: unknown): unknown {
  const json = JSON.stringify(result) ?? 'null';
  if (json.length <= MAX_RESULT_CHARS) return JSON.parse(json);
  return `${json.slice(0, MAX_RESULT_CHARS).toWellFormed()}… (cut: ${json.length} characters in all; ask for less at once)`;
}

/**
 * Arguments as a value, undefined when they are not JSON or out of all proportion: the number of brackets bounds the depth,
 * which whoever reads JSON recurses on. A call of a tool without input may come without any.
 */
function parseArguments(text: string): unknown {
  if (text.length > MAX_RESULT_CHARS || (text.match(/[[{]/g)?.length ?? 0) > MAX_BRACKETS) return undefined;
  try {
    return JSON.parse(text.trim() === '' ? '{}' : text);
  } catch {
    return undefined;
  }
}

/** What running the tools of a turn needs. */
export interface ToolRunnerOptions {
  readonly turn: RunningTurn;
  readonly assistant: ReadyAssistant;
  /** What was called for the same message in turns that did not complete. */
  readonly tried: readonly StoredToolCall[];
  readonly context: CallContext;
  /** Stores the turn, unless so many of its events are; rejects where the turn is not this process's any more. */
  readonly ensureSaved: (events: number) => Promise<void>;
  readonly log: Logger;
}

/**
 * Runs the tool calls of one turn, as the user whose session it is. Whatever is wrong with a call is told to the model as
 * its result; a tool that the assistant does not have is not run, whoever asks for it.
 */
export class ToolRunner {
  readonly #options: ToolRunnerOptions;
  /** The ids that calls came with: providers may give the same one twice. */
  readonly #ids = new Set<string>();
  readonly #done: DoneCalls;
  /** How many events the turn had when it was told that the calls of this step begin. */
  #begunEvents = 0;

  constructor(options: ToolRunnerOptions) {
    this.#options = options;
    const { tried, assistant } = options;
    this.#done = new DoneCalls(tried.filter(({ name }) => assistant.toolset.get(name)?.writes));
  }

  /**
   * Runs the calls of a step: side by side when none of them writes, else in their order. Answers the calls with their
   * results.
   * @throws the reason of the turn's deadline when that ended first.
   */
  async runStep(asked: readonly AnsweredToolCall[], step: number): Promise<StoredToolCall[]> {
    const { turn, assistant } = this.#options;
    const calls = asked.slice(0, MAX_HEARD_PER_STEP).map((call) => this.#toCall(call, step));
    turn.beginCalls(calls);
    this.#begunEvents = turn.feed.length;
    const mayWrite = calls.some(({ name }) => assistant.toolset.get(name)?.writes);
    const outcomes = mayWrite ? undefined : calls.map((call, index) => this.#runOnce(call, index));
    for (const [index, call] of calls.entries()) {
      const outcome = await (outcomes?.[index] ?? this.#runOnce(call, index));
      turn.finishCall(call, outcome);
      turn.deadline.throwIfEnded();
    }
    return calls;
  }

  #toCall(asked: AnsweredToolCall, step: number): StoredToolCall {
    const { id, function: called } = asked;
    const isGood = id !== '' && id.length <= MAX_ID_CHARS && !this.#ids.has(id);
    this.#ids.add(id);
    const input = called?.arguments ?? '';
    return {
      id: isGood ? id : newCallId(),
      name: called?.name ?? '',
      arguments: parseArguments(input) ?? input.slice(0, MAX_RESULT_CHARS),
      step,
      at: this.#options.turn.text.length,
      ...readExtra(asked),
    };
  }

  async #runOnce(call: StoredToolCall, index: number): Promise<ToolOutcome> {
    if (index >= MAX_CALLS_PER_STEP) return failed(`Make at most ${MAX_CALLS_PER_STEP} calls at once.`);
    const tool = this.#options.assistant.toolset.get(call.name);
    if (tool === undefined) {
      const names = [...this.#options.assistant.toolset.keys()].join(', ');
      return failed(`There is no such tool. There are: ${names || 'none'}.`);
    }
    return await this.#done.runOnce({ call, writes: tool.writes, run: () => this.#run(tool, call.arguments) });
  }

  /** Never rejects. */
  async #run(tool: CheckedTool, given: unknown): Promise<ToolOutcome> {
    const { turn, context, ensureSaved } = this.#options;
    if (typeof given === 'string') return failed(explainArguments(given));
    const input = structuredClone(given);
    // Nor may it have what a request may not, such as text that Postgres does not take.
    const fault = tool.check(input) ?? findBodyFault(given as object);
    if (fault !== undefined) return failed(fault.problem);
    const deadline = turn.deadline.shortenedTo(TOOL_BUDGET_MS);
    let hasBegun = false;
    try {
      // A retry makes a write again unless it finds it stored. So that comes first, in case this process dies meanwhile; and one
      // whose turn was taken over hears of it here, in time.
      if (tool.writes) await deadline.race(ensureSaved(this.#begunEvents));
      hasBegun = true;
      const run = tool.run(input, { userId: turn.key.userId, context: { ...context, deadline } });
      return { result: toStored(await deadline.race(run)), is_error: false };
    } catch (error) {
      return this.#explain(tool, error, hasBegun);
    } finally {
      deadline.end();
    }
  }

  #explain(tool: CheckedTool, error: unknown, hasBegun: boolean): ToolOutcome {
    const { turn, log } = this.#options;
    if (turn.deadline.reason !== undefined) return hasBegun && tool.writes ? cutOff : neverDone;
    const fail = hasBegun && tool.writes && isOutcomeUnknown(error) ? unsure : failed;
    if (error instanceof AppError) return fail(error.message);
    if (error instanceof DeadlineExceeded) return fail('The tool took too long.');
    log.warn({ err: error, tool: tool.name, turn_id: turn.key.turnId }, 'a tool failed');
    return fail('The tool failed.');
  }
}
