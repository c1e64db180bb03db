export { type Static, Type } from 'typebox';
export { UnrecoverableError } from '../base/unrecoverable-error.ts';
export type { Stored } from '../core/accounts/index.ts';
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
export type { AssistantContext, Question } from './context.ts';
export { withoutGreetings, withoutThanks } from './courtesies.ts';
export { dateOf, dateParserFor, hasTwoReadings, type Language, toPlainSwedishDates } from './dates.ts';
export { defineAssistantJob } from './job.ts';
export { type AssistantRoute, defineRoute } from './route.ts';
export type { BatchRow, OnceRow, Owned, Repeatable } from './statement.ts';
export { defineTool } from './tool.ts';
