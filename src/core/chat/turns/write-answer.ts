import type { CallContext } from '../../../base/call-context.ts';
import { toDay } from '../../../base/days.ts';
import type { Clock } from '../../../base/time.ts';
import type { Logger } from '../../../platform/log/index.ts';
import {
  Accumulator,
  type AnsweredMessage,
  AnswerUsage,
  type CompletionRequest,
  type Message,
  type Models,
} from '../../models/index.ts';
import type { ReadyAssistant } from '../assistants.ts';
import { chatErrors } from '../errors.ts';
import { obeyRefusal } from './obey-refusal.ts';
import type { RunningTurn } from './running-turn.ts';
import { replayStep } from './start/replay-history.ts';
import type { StoredToolCall } from './tool-call.ts';
import { ToolRunner } from './tool-runner.ts';

/** Rounds of tool calls in a turn; then the model has to answer with what it knows. */
const MAX_STEPS = 8;

/**
 * Tokens of a turn, in all its rounds, after which no further tool may be called; and of one answer, thoughts and pieces of calls
 * that say nothing included, which may take no memory and are billed all the same.
 */
const MAX_TOKENS = 500_000;

/**
 * The longest answer, in characters, the calls of one step and all else that is kept of it included: several times the longest
 * that today's models give, and what a mad one costs.
 */
const MAX_ANSWER_CHARS = 1_000_000;

/** Pieces of text in a turn: more than any model has tokens for. Each is an event, kept and told to every reader. */
const MAX_PIECES = 200_000;

/** Refusals of one request that are obeyed: one for each thing that may be wrong with the form of its messages. */
const MAX_OBEYED = 2;

const weekdays = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday'];

/** What writing an answer needs. */
export interface WriteAnswerOptions {
  readonly models: Models;
  readonly log: Logger;
  readonly clock: Clock;
  readonly context: CallContext;
  /** What the model is to go on with. */
  readonly conversation: readonly Message[];
  /** Absent for a session with the model itself. */
  readonly assistant: ReadyAssistant | undefined;
  /** The tools called for the same message in turns that did not complete. */
  readonly tried: readonly StoredToolCall[];
  /** Stores the turn, unless so many of its events are; rejects where the turn is not this process's any more. */
  readonly ensureSaved: (events: number) => Promise<void>;
}

/**
 * Has the model answer a conversation, running the tools that it calls, until it answers without calling any. What it
 * writes, the calls and the usage go to the turn as they come.
 *
 * @throws AppError `models.*`, `chat.answer_too_long`; the reason of the turn's deadline when that ended first.
 */
export async function writeAnswer(turn: RunningTurn, options: WriteAnswerOptions): Promise<void> {
  const { assistant, conversation, clock } = options;
  const messages = [...(assistant ? [toSystemMessage(assistant, clock)] : []), ...conversation];
  const tools = assistant && new ToolRunner({ ...options, assistant, turn });
  for (let step = 1; ; step++) {
    const toldChars = turn.text.length;
    const mayCall = step <= MAX_STEPS && turn.usedTokens < MAX_TOKENS;
    const answer = await ask(turn, messages, { ...options, mayCall });
    const asked = (answer.tool_calls ?? []).filter((call) => call.function !== undefined);
    if (tools === undefined || !mayCall || asked.length === 0) return;
    const calls = await tools.runStep(asked, step);
    messages.push(...replayStep(turn.text.slice(toldChars), calls, answer));
  }
}

/**
 * What an assistant's model is told first: models do not know which day it is, and users say "tomorrow". The hour is left
 * out, so that providers who remember the beginning of a conversation know it again for a day.
 */
function toSystemMessage({ instructions }: ReadyAssistant, clock: Clock): Message {
  const now = clock.now();
  const today = `${weekdays[now.getUTCDay()]}, ${toDay(now)} (UTC)`;
  return { role: 'system', content: `${instructions.trimEnd()}\n\nToday is ${today}.` };
}

function toRequest(
  turn: RunningTurn,
  messages: Message[],
  { assistant, mayCall }: { assistant: ReadyAssistant | undefined; mayCall: boolean },
): CompletionRequest {
  const request = { model: turn.key.model, messages };
  if (assistant === undefined || assistant.offered.length === 0) return request;
  // The tools stay offered: some providers refuse a conversation with calls of tools that they do not know.
  return { ...request, tools: [...assistant.offered], ...(!mayCall && { tool_choice: 'none' }) };
}

/** Asks again, but not for ever, where a provider says what is wrong with the form of the messages. */
async function ask(
  turn: RunningTurn,
  messages: Message[],
  options: WriteAnswerOptions & { mayCall: boolean },
): Promise<AnsweredMessage> {
  for (let retry = 0; ; retry++) {
    try {
      return await askOnce(turn, messages, options);
    } catch (error) {
      if (retry === MAX_OBEYED || !obeyRefusal(error, messages)) throw error;
    }
  }
}

async function askOnce(
  turn: RunningTurn,
  messages: Message[],
  options: WriteAnswerOptions & { mayCall: boolean },
): Promise<AnsweredMessage> {
  const { models, assistant } = options;
  const answer = new Accumulator();
  const commands = assistant?.commands;
  const fallBackToOffline = assistant !== undefined;
  let isLeft = false;
  const modelCall = {
    deadline: turn.deadline,
    trace: turn.key.trace,
    fallBackToOffline,
    ...(commands && { commands }),
    onLeft: () => {
      isLeft = true;
    },
  };
  const toldChars = turn.text.length;
  const used = new AnswerUsage();
  const request = toRequest(turn, messages, options);
  let isOfStandIn = false;
  try {
    await models.stream(request, modelCall, (chunk) => {
      answer.add(chunk);
      turn.writtenBy = chunk.model;
      isOfStandIn = chunk.degraded === true;
      turn.isDegraded ||= isOfStandIn;
      const { content, refusal, tool_calls: call } = chunk.choices.find(({ index }) => index === 0)?.delta ?? {};
      // A model that will not answer says so in words of their own field: they are its answer.
      const piece = (content ?? '') + (refusal ?? '');
      used.addChunk(chunk, piece || call ? 1 : 0);
      if (piece) turn.write(piece);
      const isTooLong = toldChars + answer.chars > MAX_ANSWER_CHARS || turn.deltaChars.length > MAX_PIECES;
      if (isTooLong || used.writtenTokens > MAX_TOKENS) throw chatErrors.raise.answer_too_long();
    });
    used.end();
  } finally {
    // What brought nothing costs nothing, unless it was left: then the provider was sent the prompt.
    if (isLeft || !used.isNothing) turn.addUsage(used.with(request), isOfStandIn);
  }
  return answer.message;
}
