import { type Static, type TSchema, Type } from 'typebox';
import type { AppError } from '../../../base/errors.ts';
import {
  createInputCheck,
  httpErrors,
  invalidField,
  nameField,
  parseJsonBody,
  toWireError,
  type WireError,
} from '../../../platform/http/index.ts';
import { CreateSession, PostMessage } from '../schemas.ts';

const Id = Type.String({ format: 'uuid' });

const ClientId = Type.String({
  minLength: 1,
  maxLength: 200,
  pattern: '^[!-~]+$',
  description:
    "The client's own name for the frame, in visible ASCII characters without spaces; what answers it carries the same.",
});

function Frame<const Kind extends string, Fields extends Record<string, TSchema>>(type: Kind, fields: Fields) {
  return Type.Object({ type: Type.Literal(type), ...fields }, { additionalProperties: false });
}

/** The frames that a client may send, by their type. */
export const frameSchemas = {
  auth: Frame('auth', {
    token: Type.String({ minLength: 1, maxLength: 8_192, description: 'An API key or an access token.' }),
    client_id: Type.Optional(ClientId),
  }),
  message: Frame('message', {
    client_id: ClientId,
    session_id: Type.Optional(
      Type.Union([Id, Type.Null()], { description: 'Absent: a new session is made with the message.' }),
    ),
    assistant: Type.Optional(CreateSession.properties.assistant),
    content: PostMessage.properties.content,
  }),
  stop: Frame('stop', { turn_id: Id, session_id: Type.Optional(Id), client_id: Type.Optional(ClientId) }),
  resume: Frame('resume', {
    turn_id: Id,
    session_id: Type.Optional(Id),
    last_event_id: Type.Optional(Type.Integer({ minimum: 0, maximum: 999_999_999, description: '0 when absent.' })),
    client_id: Type.Optional(ClientId),
  }),
  ping: Frame('ping', { client_id: Type.Optional(ClientId) }),
};

type FrameType = keyof typeof frameSchemas;

/** Frames of a client, by their type. */
export type FrameOf = { [Name in FrameType]: Static<(typeof frameSchemas)[Name]> };

/** A frame of a client. */
export type InFrame = FrameOf[FrameType];

const checks = new Map<unknown, ReturnType<typeof createInputCheck>>();

function checkOf(type: unknown) {
  if (typeof type !== 'string' || !Object.hasOwn(frameSchemas, type)) return undefined;
  const check = checks.get(type) ?? createInputCheck(frameSchemas[type as FrameType]);
  checks.set(type, check);
  return check;
}

/** The `client_id` of what may be a frame, for the error that answers it; also of one with what no JSON of ours may have. */
export function clientIdOf(bytes: Uint8Array): string | undefined {
  try {
    const { client_id: clientId } = JSON.parse(Buffer.from(bytes).toString()) as { client_id?: unknown };
    return typeof clientId === 'string' && clientId.length <= 200 ? clientId : undefined;
  } catch {
    return undefined;
  }
}

/** Reads a frame. @throws AppError 400 `http.malformed_json`, or `http.invalid_request` with the field at fault. */
export function readFrame(bytes: Uint8Array): InFrame {
  const frame = parseJsonBody(bytes);
  if (frame === undefined) throw httpErrors.raise.malformed_json({ param: 'body' });
  const { type } = frame as { type?: unknown };
  const check = checkOf(type);
  if (check === undefined) {
    throw invalidField(nameField('type', `must be one of: ${Object.keys(frameSchemas).join(', ')}`));
  }
  const fault = check(frame);
  if (fault !== undefined) throw invalidField(fault);
  return frame as InFrame;
}

/** An error as a frame tells it: what the header Idempotency-Key is to a request, `client_id` is to a frame. */
export function toFrameError(error: AppError): WireError {
  const told = toWireError(error);
  return told.param === 'idempotency-key' ? { ...told, param: 'client_id' } : told;
}
