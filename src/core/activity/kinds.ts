/** Everything that is recorded of a user, and when. The list in the interface's description is made from it. */
export const activityKinds = {
  'user.created': 'The account was made.',
  'user.updated': 'The account was changed.',
  'user.signed_out': 'A sign-in was ended.',
  'user.token_reused':
    'A refresh token came a second time, which ended its sign-in: one of the two who had it stole it.',
  'user.disabled': 'An operator disabled the account.',
  'user.enabled': 'An operator enabled the account again.',
  'user.administered': 'As an operator, you changed another user.',
  'job.retried': 'As an operator, you had a job start anew: the subject is its number, with zeros before it.',
  'job.deleted': 'As an operator, you deleted a job: the subject is its number, with zeros before it.',
  'cache.cleared': 'As an operator, you had every server forget a user, or, without a subject, all.',
  'key.created': 'An API key was made.',
  'key.updated': 'An API key was changed.',
  'key.rotated': 'An API key was replaced by a new one.',
  'key.revoked': 'An API key was revoked.',
  'plan.changed': 'The account was put on another plan.',
  'session.created': 'A chat session was made.',
  'session.updated': 'A chat session was changed.',
  'session.deleted': 'A chat session was deleted.',
  'turn.started': 'A message was sent, and its turn began.',
  'turn.completed': 'A turn answered in full.',
  'turn.failed': 'A turn ended without a whole answer.',
  'turn.interrupted': 'A turn ended because its server stopped.',
  'turn.stopped': 'A turn was stopped by its user.',
} as const;

/** A kind of activity. */
export type ActivityKind = keyof typeof activityKinds;

/** Kinds that are most of every trail: a page of them is found by reading that, and no index is kept of them. */
export const frequentKinds: readonly ActivityKind[] = ['turn.started', 'turn.completed', 'session.created'];
