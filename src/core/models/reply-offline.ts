import { answerCrisis } from './answer-crisis.ts';
import type { Message } from './message-schema.ts';
import type { PlainCall, PlainCommands } from './plain-commands.ts';
import type { CompletionRequest } from './schemas.ts';

/** Why the offline model answers: there is no other; it was asked for; no target of the model asked for answered. */
export type OfflineRole = 'only' | 'asked' | 'stand-in';

/** What the offline model answers: a text, which no bound is to cut short where that is vital; or a tool to be called. */
export type OfflineReply = { readonly text: string; readonly isVital?: true } | PlainCall;

const WHAT_IT_IS = "This is Evenkeel's built-in offline model. It is not a language model: ";

/** A longer text is no plain command: rules would take their time over it, and every other request would wait. */
const LONGEST_COMMAND_CHARACTERS = 1_000;

/**
 * Marks on one letter beyond what any script or the stream-safe format of Unicode has. To put many of them in order takes
 * `normalize` a time that grows with the square of their number: ten seconds for 150,000.
 */
const MARKS_TOO_MANY = /(?<=\p{M}{30})\p{M}+/gu;

/** For whom there are no plain commands. */
const WITHOUT_COMMANDS: Readonly<Record<OfflineRole, string>> = {
  only:
    `${WHAT_IT_IS}no model is configured, so it does not understand your message. To get real ` +
    'answers, set MODEL_BASE_URL (the address of an OpenAI-compatible API), MODEL_API_KEY and MODEL_NAME, and start the ' +
    'server again. Until then, sessions with an `assistant` understand plain commands.',
  asked:
    `${WHAT_IT_IS}it does not understand your message. To get real answers, ask for another ` +
    'model: GET /v1/models lists them.',
  'stand-in': `${WHAT_IT_IS}it stands in because the model cannot be reached, and does not understand your message. Ask again in a moment.`,
};

/** For whom did not use one. */
const NOT_UNDERSTOOD: Readonly<Record<OfflineRole, string>> = {
  only: `${WHAT_IT_IS}no model is configured, so it only understands plain commands`,
  asked: `${WHAT_IT_IS}it only understands plain commands`,
  'stand-in': `${WHAT_IT_IS}it stands in because the model cannot be reached, and only understands plain commands`,
};

function textOf({ content }: Message): string {
  if (typeof content === 'string') return content;
  return (content ?? []).map((part) => part.text ?? '').join('');
}

/** What the user said last, each letter in one piece. */
function lastSaid(messages: readonly Message[]): string {
  const message = messages.findLast(({ role }) => role === 'user');
  return message === undefined ? '' : textOf(message).replaceAll(MARKS_TOO_MANY, '').normalize();
}

/** What may be a plain command; empty when the text is too long for one. */
function commandOf(text: string): string {
  return text.length > LONGEST_COMMAND_CHARACTERS ? '' : text;
}

function offers(request: CompletionRequest, tool: string): boolean {
  return request.tool_choice !== 'none' && (request.tools ?? []).some((offered) => offered.function?.name === tool);
}

/** What a tool returned, from the message that says so; undefined when that holds no result: the tool failed. */
function readResult(message: Message): unknown {
  try {
    const result: unknown = JSON.parse(textOf(message));
    const hasFailed = typeof result === 'object' && result !== null && 'error' in result;
    return hasFailed ? undefined : result;
  } catch {
    return undefined;
  }
}

/** The names of the tools by the ids of their calls. */
function namesOfCalls(messages: readonly Message[]): Map<string, string> {
  const calls = messages.flatMap((message) => (message.role === 'assistant' ? (message.tool_calls ?? []) : []));
  return new Map(calls.map(({ id, function: called }) => [id, called?.name ?? '']));
}

/** Tells what the tools came to whose results are the last messages, in answer to a text. */
function tellOutcomes(messages: readonly Message[], commands: PlainCommands, text: string): string {
  const names = namesOfCalls(messages);
  const lastOther = messages.findLastIndex(({ role }) => role !== 'tool');
  return messages
    .slice(lastOther + 1)
    .map((message) => {
      const tool = names.get(message.tool_call_id ?? '') ?? '';
      return commands.tell({ text, tool, result: readResult(message) });
    })
    .join('\n');
}

/** The answer to a request by the rules of `commands`, or to somebody in a crisis; without rules, what the offline model is. */
export function replyOffline(
  request: CompletionRequest,
  { commands, now, role }: { commands: PlainCommands | undefined; now: Date; role: OfflineRole },
): OfflineReply {
  const last = request.messages.at(-1);
  const said = lastSaid(request.messages);
  const care = answerCrisis(said);
  // Before the commands, for "remind me to …" would be kept as one; and after a tool, which a model may have called.
  if (care !== undefined) return { text: care, isVital: true };
  if (commands === undefined) return { text: WITHOUT_COMMANDS[role] };
  const text = commandOf(said);
  if (last?.role === 'tool') return { text: tellOutcomes(request.messages, commands, text) };
  const call = last?.role === 'user' ? commands.read({ text, now }) : undefined;
  if (call !== undefined && offers(request, call.tool)) return call;
  const examples = commands.examples.map((example) => `“${example}”`).join(', ');
  return { text: `${NOT_UNDERSTOOD[role]}, such as ${examples}.` };
}
