export { type Static, Type } from 'typebox';
export type { PlainCall, PlainCommands, PlainOutcome, PlainText } from '../core/models/index.ts';
export {
  Cursor,
  decodeCursor,
  encodeCursor,
  ListOf,
  Nullable,
  PageLimit,
  placePart,
  toPage,
} from '../platform/http/index.ts';
export { sql } from '../platform/postgres/index.ts';
export { type AssistantManifest, defineAssistant } from './assistant.ts';
export type { AssistantContext, AssistantLog, Question } from './context.ts';
export { withoutGreetings, withoutThanks } from './courtesies.ts';
export { type AssistantJob, type AssistantJobDefinition, defineAssistantJob } from './job.ts';
export { type AssistantRoute, defineRoute, type RouteDefinition, type RouteRequest } from './route.ts';
export type { BatchRow, OnceRow, Owned, Repeatable, Stored } from './statement.ts';
export { toPlainSwedishDates } from './swedish-dates.ts';
export { type AssistantTool, defineTool, type ToolDefinition } from './tool.ts';
