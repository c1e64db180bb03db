import { frameSchemas } from './frames.ts';

/** What the OpenAPI document, which has no words for WebSockets, says of the frames. */
export function describeFrames(): string {
  const frames = Object.values(frameSchemas).map((schema) => `\`\`\`json\n${JSON.stringify(schema)}\n\`\`\``);
  return [
    'Sign in by the header `Authorization` (or `x-api-key`) of the request, or by a first frame `auth` within five seconds.',
    'Frames are text: JSON objects of at most 1 MiB. Those that you send, by their schemas:',
    ...frames,
    'You receive the events of turns as `POST /v1/chat/sessions/{session_id}/messages` streams them, each with `session_id`, ' +
      '`turn_id`, its `id` within the turn and the `client_id` of the frame that asked for it; and ' +
      '`{"type":"ack","client_id","session_id","turn_id"}`, or `{"type":"ack","client_id","user_id"}` to `auth`; ' +
      '`{"type":"pong","client_id"}`; and `{"type":"error","error":{"message","type","param","code"},"client_id","request_id",' +
      '"retry_after_ms"}`, with the last where trying again helps. ' +
      'A `client_id` works as an Idempotency-Key: the same message sent again, on whatever connection, joins the first.',
  ].join('\n\n');
}
