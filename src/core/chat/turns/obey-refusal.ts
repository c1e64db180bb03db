import { hash } from 'node:crypto';
import { AppError } from '../../../base/errors.ts';
import type { Message } from '../../models/index.ts';

/** How providers say that thoughts are missing. */
const IS_MISSING = /missing|required|passed back/i;

/** For thoughts that are not there any more. Moonshot takes an empty text for none. */
const FORGOTTEN = ' ';

/** What some providers want back and others refuse. */
const EXTRA = /reasoning_content|reasoning_details|extra_content/;

/** How providers say that the id of a call is too long, or not of their form. */
const BAD_ID = /tool.?(?:call|use)\S* ?id\b.*(?:length|pattern)/i;

/** Nine letters and digits, which all providers take: Mistral takes nothing else, OpenAI at most 40 characters. */
function toGoodId(id: string): string {
  return /^[a-zA-Z0-9]{9}$/.test(id) ? id : hash('sha256', id).slice(0, 9);
}

/** The message with another form of the ids of calls; itself when it has none that change. */
function withGoodIds(message: Message): Message {
  const { tool_call_id: id, tool_calls: calls } = message;
  if (id !== undefined) return toGoodId(id) === id ? message : { ...message, tool_call_id: toGoodId(id) };
  if (!calls?.some((call) => toGoodId(call.id) !== call.id)) return message;
  return { ...message, tool_calls: calls.map((call) => ({ ...call, id: toGoodId(call.id) })) };
}

/** The message with something in the place of missing thoughts; itself where there are some, or it calls nothing. */
function withThoughts(message: Message): Message {
  if (!message.tool_calls?.length || message.reasoning_content !== undefined) return message;
  return { ...message, reasoning_content: FORGOTTEN };
}

/** The message without what another provider wants back; itself when it has nothing of that. */
function withoutExtras(message: Message): Message {
  const { reasoning_content: thoughts, reasoning_details: details, ...rest } = message;
  const hasExtras = rest.tool_calls?.some((call) => call.extra_content !== undefined) ?? false;
  if (thoughts === undefined && details === undefined && !hasExtras) return message;
  const calls = rest.tool_calls?.map(({ extra_content: _, ...call }) => call);
  return { ...rest, ...(calls && { tool_calls: calls }) };
}

/** What may help against a refusal in these words; undefined when nothing is known to. */
function changeFor(told: string): ((message: Message) => Message) | undefined {
  if (EXTRA.test(told)) return IS_MISSING.test(told) ? withThoughts : withoutExtras;
  return BAD_ID.test(told) ? withGoodIds : undefined;
}

/**
 * Changes the messages as far as a provider refused them for their form. Providers of models that think, such as DeepSeek and
 * Moonshot, refuse a call of a tool without the `reasoning_content` that it came with; who knows no such field, such as Groq and
 * Mistral, one that has it, as with what Google and OpenRouter want back; some take ids of calls of their own form alone. Which of
 * them is asked is not known here, and it may be another one than wrote the call.
 *
 * @returns whether there is a change: then asking again may help.
 */
export function obeyRefusal(error: unknown, messages: Message[]): boolean {
  if (!(error instanceof AppError && error.code === 'models.invalid_request')) return false;
  const change = changeFor(`${error.param} ${error.message}`);
  if (change === undefined) return false;
  let isChanged = false;
  for (const [index, message] of messages.entries()) {
    messages[index] = change(message);
    isChanged ||= messages[index] !== message;
  }
  return isChanged;
}
