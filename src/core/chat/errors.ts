import { defineErrors } from '../../base/errors.ts';

/** Errors of chat sessions and turns. */
export const chatErrors = defineErrors('chat', {
  session_not_found: {
    status: 404,
    message: 'There is no such chat session. Create one with POST /v1/chat/sessions or list yours with GET.',
  },
  turn_not_found: { status: 404, message: 'There is no such turn in this session.' },
  assistant_not_found: {
    status: 400,
    message: ({ names }: { names: string }) =>
      `There is no such assistant on this server. Name one that it has (${names || 'none'}), or leave \`assistant\` out.`,
  },
  turn_interrupted: {
    status: 503,
    message: 'The server stopped while it wrote this answer. What was written is kept; retry the turn.',
  },
  turn_not_retryable: {
    status: 409,
    message:
      'This turn cannot be retried: only the last turn of a session can, when it failed, was interrupted or was stopped, ' +
      'and once. Read the history.',
  },
  too_many_turns: {
    status: 429,
    message: 'The events of too many turns go out on this connection. Wait until one has ended, or stop one.',
    retryAfterMs: 1_000,
  },
  too_many_frames: {
    status: 429,
    message: 'Too many frames wait on this connection. Wait for the `ack` of those before.',
  },
  answer_too_long: { status: 502, message: 'The model did not stop writing. What was written is kept.' },
  turn_lost: {
    status: 500,
    message: 'Another server took the turn over while it ran. Read the history.',
  },
});
