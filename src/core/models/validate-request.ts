import { modelErrors } from './errors.ts';
import { answerFields, type ContentPart, copiedFields, type Message, type Role } from './message-schema.ts';
import type { CompletionRequest } from './schemas.ts';

const PROMPT_FIELDS = ['content', 'name'];
const ANSWER_FIELDS = Object.keys(answerFields);
const COPIED_FIELDS = Object.keys(copiedFields) as (keyof typeof copiedFields)[];

/** Which fields and which content parts go with a role. */
const allowed: Record<Role, { fields: ReadonlySet<string>; parts: ReadonlySet<ContentPart['type']> }> = {
  developer: { fields: new Set(PROMPT_FIELDS), parts: new Set(['text']) },
  system: { fields: new Set(PROMPT_FIELDS), parts: new Set(['text']) },
  user: { fields: new Set(PROMPT_FIELDS), parts: new Set(['text', 'image_url', 'input_audio', 'file']) },
  assistant: {
    fields: new Set([...PROMPT_FIELDS, 'tool_calls', 'refusal', 'audio', 'function_call', ...ANSWER_FIELDS]),
    parts: new Set(['text', 'refusal']),
  },
  tool: { fields: new Set([...PROMPT_FIELDS, 'tool_call_id']), parts: new Set(['text']) },
  function: { fields: new Set(PROMPT_FIELDS), parts: new Set() },
};

function invalid(param: string, reason: string) {
  return modelErrors.raise.invalid_request({ reason }, { param });
}

/** An object with a `type` holds what it is in the field of that name: `{ type: 'text', text: … }`. */
function requireNamedField(tagged: { type: string }, param: string): void {
  if ((tagged as Record<string, unknown>)[tagged.type] == null) {
    throw invalid(`${param}.${tagged.type}`, `\`${param}.${tagged.type}\` is required, as \`type\` says.`);
  }
}

function checkParts(parts: readonly ContentPart[], param: string, role: Role): void {
  for (const [index, part] of parts.entries()) {
    const at = `${param}[${index}]`;
    if (!allowed[role].parts.has(part.type)) {
      throw invalid(`${at}.type`, `\`${at}.type\` is not one that a message of this role or a prediction can have.`);
    }
    requireNamedField(part, at);
    if (role === 'assistant') continue;
    const copied = COPIED_FIELDS.find((field) => part[field] != null);
    if (copied !== undefined) {
      throw invalid(`${at}.${copied}`, `\`${at}.${copied}\` only goes with the role \`assistant\`.`);
    }
  }
}

function saysNothing(message: Message): boolean {
  return (
    message.content == null &&
    message.refusal == null &&
    message.audio == null &&
    message.function_call == null &&
    (message.tool_calls?.length ?? 0) === 0
  );
}

function checkFields(message: Message, param: string): void {
  const { fields } = allowed[message.role];
  for (const [field, value] of Object.entries(message)) {
    if (field === 'role' || value === null || value === undefined || fields.has(field)) continue;
    throw invalid(`${param}.${field}`, `\`${param}.${field}\` does not go with the role \`${message.role}\`.`);
  }
  if (Array.isArray(message.content)) checkParts(message.content, `${param}.content`, message.role);
  if (message.role === 'assistant') {
    if (saysNothing(message)) {
      throw invalid(`${param}.content`, `\`${param}.content\` or \`tool_calls\` is required.`);
    }
  } else if (message.role !== 'function' && message.content == null) {
    throw invalid(`${param}.content`, `\`${param}.content\` is required.`);
  }
  if (message.role === 'function' && message.name === undefined) {
    throw invalid(`${param}.name`, `\`${param}.name\` is required: the function that this is the result of.`);
  }
}

/**
 * Checks what the schema of a message cannot say: which fields go with which role, and that every tool message answers a
 * tool call of an earlier assistant message. Expects messages that fit `MessageSchema`.
 *
 * @throws AppError `models.invalid_request` with the field as `param`, `messages[2].tool_call_id` say.
 */
function validateMessages(messages: readonly Message[]): void {
  const called = new Set<string>();
  for (const [index, message] of messages.entries()) {
    const param = `messages[${index}]`;
    checkFields(message, param);
    for (const [callIndex, call] of (message.tool_calls ?? []).entries()) {
      requireNamedField(call, `${param}.tool_calls[${callIndex}]`);
      called.add(call.id);
    }
    if (message.role !== 'tool') continue;
    const at = `${param}.tool_call_id`;
    if (message.tool_call_id === undefined) throw invalid(at, `\`${at}\` is required.`);
    if (!called.has(message.tool_call_id)) {
      throw invalid(at, `\`${at}\` is not the id of a tool call in an assistant message before it.`);
    }
  }
}

/**
 * Checks what `CompletionRequestSchema` cannot say: the messages (`validateMessages`), and fields that need each other.
 *
 * @throws AppError `models.invalid_request` with the field as `param`.
 */
export function validateRequest(request: CompletionRequest): void {
  validateMessages(request.messages);
  for (const [index, tool] of (request.tools ?? []).entries()) requireNamedField(tool, `tools[${index}]`);
  if (typeof request.tool_choice === 'object') requireNamedField(request.tool_choice, 'tool_choice');
  if (request.response_format?.type === 'json_schema') requireNamedField(request.response_format, 'response_format');
  if (Array.isArray(request.prediction?.content)) {
    checkParts(request.prediction.content, 'prediction.content', 'system');
  }
  if (request.stream_options != null && request.stream !== true) {
    throw invalid('stream_options', '`stream_options` is only allowed together with `stream: true`.');
  }
}
