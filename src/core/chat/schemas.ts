import { type Static, Type } from 'typebox';
import { Cursor, Nullable, PageLimit } from '../../platform/http/index.ts';

const Id = Type.String({ format: 'uuid' });
const Time = Type.String({ format: 'date-time' });
const Title = Type.String({ maxLength: 200, description: 'What the session is called.' });
const ModelName = Type.String({
  minLength: 1,
  maxLength: 200,
  description: 'A model of `GET /v1/models`; else the default.',
});

/** The path of one session. */
export const SessionParams = Type.Object(
  { session_id: Type.String({ format: 'uuid', description: 'The id of the session.' }) },
  { additionalProperties: false },
);

/** The path of one turn of a session. */
export const TurnParams = Type.Object(
  { ...SessionParams.properties, turn_id: Type.String({ format: 'uuid', description: 'The id of the turn.' }) },
  { additionalProperties: false },
);

/** The body of `POST /v1/chat/sessions`. */
export const CreateSession = Type.Object(
  {
    title: Type.Optional(Nullable(Title)),
    assistant: Type.Optional(
      Nullable(Type.String({ minLength: 1, maxLength: 63, description: 'The assistant that answers.' })),
    ),
    model: Type.Optional(Nullable(ModelName)),
  },
  { additionalProperties: false, examples: [{ title: 'My first chat' }] },
);

/** The body of `PATCH /v1/chat/sessions/{session_id}`. */
export const UpdateSession = Type.Object(
  { title: Type.Optional(Nullable(Title)), model: Type.Optional(Nullable(ModelName)) },
  { additionalProperties: false, minProperties: 1, examples: [{ title: 'Shopping' }] },
);

/** A chat session. */
export const Session = Type.Object(
  {
    id: Id,
    object: Type.Literal('chat.session'),
    title: Nullable(Type.String()),
    assistant: Nullable(Type.String()),
    model: Nullable(Type.String()),
    message_count: Type.Integer(),
    created_at: Time,
    updated_at: Time,
  },
  { title: 'Session' },
);

/** What a deleted session leaves behind. */
export const DeletedSession = Type.Object(
  {
    id: Id,
    object: Type.Literal('chat.session'),
    deleted: Type.Literal(true),
  },
  { title: 'DeletedSession' },
);

/** The query of `GET /v1/chat/sessions`. */
export const SessionListQuery = Type.Object(
  {
    limit: PageLimit({ default: 50, maximum: 1000 }),
    cursor: Type.Optional(Cursor),
    assistant: Type.Optional(
      Type.String({ minLength: 1, maxLength: 63, description: 'Only sessions of this assistant.' }),
    ),
    q: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: 200,
        description:
          'Only sessions whose title, or one of whose messages, holds these words, whole and in any case: ' +
          '`milk bread` both, `milk or bread` one of them, `"oat milk"` next to each other, `milk -oat` one without the other. ' +
          'Of a very long message the first 20,000 characters are searched.',
      }),
    ),
  },
  { additionalProperties: false },
);

/** A call of a tool that the assistant made. */
export const ToolCall = Type.Object(
  {
    id: Type.String(),
    name: Type.String(),
    arguments: Type.Unknown({ description: "The tool's input; the model's own text where that was not valid JSON." }),
    result: Type.Unknown({
      description: 'What the tool answered; of an error, `{"error"}` with what the model was told.',
    }),
    is_error: Type.Boolean(),
  },
  { title: 'ToolCall' },
);

/** One entry of a session. */
export const Message = Type.Object(
  {
    id: Id,
    object: Type.Literal('chat.message'),
    session_id: Id,
    turn_id: Nullable(Id),
    seq: Type.Integer({ description: 'Its number in the session, from 1 without gaps.' }),
    role: Type.String({ enum: ['user', 'assistant'] }),
    content: Type.String(),
    tool_calls: Type.Array(ToolCall, {
      description: 'The calls that the assistant made before or while it wrote this.',
    }),
    status: Type.String({
      enum: ['complete', 'incomplete'],
      description:
        '`incomplete`: the turn failed, was interrupted or stopped, and this is what was written until then.',
    }),
    model: Nullable(Type.String({ description: 'The model that wrote it.' })),
    degraded: Type.Boolean({ description: 'Whether the offline model stood in, because no other could be reached.' }),
    created_at: Time,
  },
  { title: 'Message' },
);

/** The query of `GET /v1/chat/sessions/{session_id}/messages`. */
export const HistoryPageQuery = Type.Object(
  {
    limit: PageLimit({ default: 50, maximum: 1000 }),
    offset: Type.Integer({
      minimum: 0,
      maximum: 2_147_483_647,
      default: 0,
      description: 'How many messages to pass over.',
    }),
    before: Type.Optional(Type.String({ format: 'date-time', description: 'Only messages earlier than this.' })),
    after: Type.Optional(Type.String({ format: 'date-time', description: 'Only messages later than this.' })),
    order: Type.Unsafe<'asc' | 'desc'>(
      Type.String({ enum: ['asc', 'desc'], default: 'asc', description: 'Oldest or newest first.' }),
    ),
    cursor: Type.Optional(Cursor),
  },
  { additionalProperties: false },
);

/** The body of `POST /v1/chat/sessions/{session_id}/messages`. */
export const PostMessage = Type.Object(
  {
    content: Type.String({ minLength: 1, maxLength: 200_000, description: 'What the user says.' }),
    stream: Type.Optional(
      Type.Boolean({ default: false, description: 'Whether the answer comes as an event stream.' }),
    ),
  },
  { additionalProperties: false, examples: [{ content: 'Hello!', stream: false }] },
);

/** The path of a user. */
export const UserParams = Type.Object(
  { user_id: Type.String({ format: 'uuid', description: 'Your own id.' }) },
  { additionalProperties: false },
);

/** The path of a conversation of a user. */
export const ConversationParams = Type.Object(
  { ...UserParams.properties, conversation_id: Type.String({ format: 'uuid', description: 'The id of a session.' }) },
  { additionalProperties: false },
);

/** The body of `POST /api/{user_id}/chat`. */
export const ChatRequest = Type.Object(
  {
    conversation_id: Type.Optional(Nullable(Type.String({ format: 'uuid', description: 'Null: a new one.' }))),
    message: PostMessage.properties.content,
    assistant: Type.Optional(
      Type.String({ minLength: 1, maxLength: 63, description: 'Who answers in a new conversation.' }),
    ),
  },
  { additionalProperties: false, examples: [{ conversation_id: null, message: 'add buy milk for tomorrow' }] },
);

/** The answer of `POST /api/{user_id}/chat`. */
export const ChatAnswer = Type.Object(
  {
    conversation_id: Id,
    message: Message,
    tool_calls: Type.Array(ToolCall, { description: 'The calls that the assistant made, as in the message.' }),
  },
  { title: 'ChatAnswer' },
);

/** The body of `POST /v1/chat/messages/batch`. */
export const BatchRead = Type.Object(
  {
    session_ids: Type.Array(Type.String({ format: 'uuid' }), { minItems: 1, maxItems: 50, uniqueItems: true }),
    after: Type.Optional(Type.String({ format: 'date-time', description: 'Only messages later than this.' })),
    limit: Type.Integer({ minimum: 1, maximum: 200, default: 50, description: 'How many messages of each session.' }),
  },
  { additionalProperties: false, examples: [{ session_ids: ['01a200ad-7c3d-7375-b526-f26bf853e388'], limit: 50 }] },
);

/** The beginning of one session's messages, among those of several. */
export const BatchedHistory = Type.Object(
  {
    object: Type.Literal('chat.history'),
    session_id: Id,
    messages: Type.Array(Message),
    has_more: Type.Boolean(),
    next_cursor: Nullable(
      Type.String({
        description: 'Read on with it at `GET /v1/chat/sessions/{session_id}/messages`, with the same `after`.',
      }),
    ),
  },
  { title: 'History' },
);

/** The body of `POST /v1/chat/sessions/{session_id}/turns/{turn_id}/retry`. */
export const RetryTurn = Type.Object(
  { stream: PostMessage.properties.stream },
  { additionalProperties: false, examples: [{ stream: false }] },
);

/** Tokens that a turn took, as the provider counted them; an estimate where it did not. */
export const Usage = Type.Object(
  { prompt_tokens: Type.Integer(), completion_tokens: Type.Integer() },
  { title: 'TurnUsage' },
);

/** One run of an assistant: a user's message in, tool calls, an answer out. */
export const Turn = Type.Object(
  {
    id: Id,
    object: Type.Literal('chat.turn'),
    session_id: Id,
    status: Type.String({
      enum: ['running', 'completed', 'failed', 'interrupted', 'stopped'],
      description:
        '`interrupted`: the server that ran it stopped. `stopped`: its user did. What was written is in the history.',
    }),
    model: Type.String(),
    error_code: Nullable(Type.String({ description: 'Why it failed.' })),
    usage: Nullable(Usage),
    answer_seq: Nullable(Type.Integer({ description: 'The number of the message that answers, once there is one.' })),
    retried_by: Nullable(
      Type.String({ format: 'uuid', description: 'The turn that answers the same message again, once there is one.' }),
    ),
    created_at: Time,
    ended_at: Nullable(Time),
  },
  { title: 'Turn' },
);

export type Session = Static<typeof Session>;
export type ToolCall = Static<typeof ToolCall>;
export type Message = Static<typeof Message>;
export type Turn = Static<typeof Turn>;
export type Usage = Static<typeof Usage>;
