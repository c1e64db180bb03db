export type { Assistant, Tool, ToolCallContext } from './assistant.ts';
export { createChatBatches } from './batches.ts';
export { chatErrors } from './errors.ts';
export { registerChatRoutes } from './routes/register-chat-routes.ts';
export { chatParts } from './stored-data/parts.ts';
export { eraseMessages, eraseTurns } from './stored-data/queries.ts';
export { TurnSweeper } from './turns/store/turn-sweeper.ts';
export { TurnRunner } from './turns/turn-runner.ts';
export { ensureWelcomeSession } from './welcome-session.ts';
