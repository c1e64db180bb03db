export { Accumulator } from './accumulator.ts';
export { AnswerUsage } from './answer-usage.ts';
export { newCallId } from './call-id.ts';
export {
  type AnsweredMessage,
  type AnsweredToolCall,
  type ChatCompletion,
  type ChatCompletionChunk,
  ChatCompletionChunkSchema,
  ChatCompletionSchema,
  ModelInfoSchema,
  type ToolCallDelta,
} from './completion.ts';
export {
  createModels,
  type ModelDefinition,
  type Models,
  type ModelsOptions,
  OFFLINE,
  type TargetDefinition,
} from './create-models.ts';
export { modelErrors } from './errors.ts';
export { CHARS_PER_TOKEN, estimatePrompt } from './estimate-tokens.ts';
export type { ObservedCall, TargetHealth } from './guarded-target.ts';
export { inspectTarget } from './inspect-target.ts';
export type { Message, ToolCall } from './message-schema.ts';
export type { PlainCall, PlainCommands, PlainOutcome, PlainText } from './plain-commands.ts';
export { readModelsFile } from './read-models-file.ts';
export { type CompletionRequest, CompletionRequestSchema, type Tool } from './schemas.ts';
export type { ModelCall } from './target.ts';
