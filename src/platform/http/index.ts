export { awaitAnswer } from './await-answer.ts';
export { drain } from './drain.ts';
export { httpErrors } from './errors.ts';
export { type EventStream, openEventStream } from './event-stream.ts';
export { explainErrors } from './explain-errors.ts';
export { createInputCheck, type InputCheck } from './input-check.ts';
export { findBodyFault, parseJsonBody } from './json-body.ts';
export {
  Cursor,
  decodeCursor,
  encodeCursor,
  ListOf,
  Nullable,
  type Page,
  PageLimit,
  placePart,
  toPage,
} from './list.ts';
export { closeCodes, type OpenWebSocket, type WebSocketUser } from './open-web-socket.ts';
export type { Readiness } from './probe-routes.ts';
export type { RequestObservation } from './request-log.ts';
export { listRoutes, permissionsOf, type RouteAccess } from './route-rules.ts';
export { createHttpServer, type HttpServer } from './server.ts';
export { streamBody } from './stream-body.ts';
export { invalidField, nameField } from './validation-fault.ts';
export { watchAnswers } from './watch-answers.ts';
export { toAppError, toWireError, WireError } from './wire-error.ts';
