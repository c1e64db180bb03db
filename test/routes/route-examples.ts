import { newId } from '../../src/base/ids.ts';
import type { Permission } from '../../src/core/keys/index.ts';
import { listAssistantExamples } from './assistant-examples.ts';

/** Ids of one user's things, for the paths of routes. */
export interface Resources {
  readonly userId: string;
  readonly sessionId: string;
  readonly turnId: string;
  readonly keyId: string;
  readonly notificationId: string;
  /** Ids of what assistants keep, by the address where it was made; of what there is none, any id. */
  readonly assistants: Readonly<Record<string, string>>;
}

/** A request that its route accepts. */
export interface RouteExample {
  readonly method: string;
  readonly path: string;
  readonly body?: unknown;
}

const session = (resources: Resources) => `/v1/chat/sessions/${resources.sessionId}`;

/** A valid request for every route that is not public. A route without one fails the access test. */
export const routeExamples: Record<string, (resources: Resources) => RouteExample> = {
  'POST /v1/keys': () => ({ method: 'POST', path: '/v1/keys', body: { name: 'a key' } }),
  'GET /v1/keys': () => ({ method: 'GET', path: '/v1/keys' }),
  'PATCH /v1/keys/:key_id': ({ keyId }) => ({ method: 'PATCH', path: `/v1/keys/${keyId}`, body: { name: 'renamed' } }),
  'DELETE /v1/keys/:key_id': ({ keyId }) => ({ method: 'DELETE', path: `/v1/keys/${keyId}` }),
  'POST /v1/keys/:key_id/rotate': ({ keyId }) => ({
    method: 'POST',
    path: `/v1/keys/${keyId}/rotate`,
    body: { overlap_seconds: 60 },
  }),
  'POST /v1/chat/sessions': () => ({ method: 'POST', path: '/v1/chat/sessions', body: { title: 'a session' } }),
  'GET /v1/chat/sessions': () => ({ method: 'GET', path: '/v1/chat/sessions' }),
  'GET /v1/chat/sessions/:session_id': (of) => ({ method: 'GET', path: session(of) }),
  'PATCH /v1/chat/sessions/:session_id': (of) => ({ method: 'PATCH', path: session(of), body: { title: 'renamed' } }),
  'DELETE /v1/chat/sessions/:session_id': (of) => ({ method: 'DELETE', path: session(of) }),
  'GET /v1/chat/sessions/:session_id/messages': (of) => ({ method: 'GET', path: `${session(of)}/messages` }),
  'POST /v1/chat/sessions/:session_id/messages': (of) => ({
    method: 'POST',
    path: `${session(of)}/messages`,
    body: { content: 'Hello' },
  }),
  'POST /v1/chat/messages/batch': () => ({
    method: 'POST',
    path: '/v1/chat/messages/batch',
    body: { session_ids: [newId()] },
  }),
  'POST /api/:user_id/chat': ({ userId }) => ({
    method: 'POST',
    path: `/api/${userId}/chat`,
    body: { message: 'Hello' },
  }),
  'GET /api/:user_id/conversations/:conversation_id/messages': ({ userId, sessionId }) => ({
    method: 'GET',
    path: `/api/${userId}/conversations/${sessionId}/messages`,
  }),
  'GET /v1/chat/sessions/:session_id/turns/:turn_id': (of) => ({
    method: 'GET',
    path: `${session(of)}/turns/${of.turnId}`,
  }),
  'GET /v1/chat/sessions/:session_id/turns/:turn_id/events': (of) => ({
    method: 'GET',
    path: `${session(of)}/turns/${of.turnId}/events`,
  }),
  'POST /v1/chat/sessions/:session_id/turns/:turn_id/stop': (of) => ({
    method: 'POST',
    path: `${session(of)}/turns/${of.turnId}/stop`,
  }),
  'POST /v1/chat/sessions/:session_id/turns/:turn_id/retry': (of) => ({
    method: 'POST',
    path: `${session(of)}/turns/${of.turnId}/retry`,
    body: {},
  }),
  'POST /v1/chat/completions': () => ({
    method: 'POST',
    path: '/v1/chat/completions',
    body: { model: 'offline', messages: [{ role: 'user', content: 'Hello' }] },
  }),
  'GET /v1/me': () => ({ method: 'GET', path: '/v1/me' }),
  'GET /v1/activity': () => ({ method: 'GET', path: '/v1/activity' }),
  'GET /v1/plans': () => ({ method: 'GET', path: '/v1/plans' }),
  'GET /v1/me/plan': () => ({ method: 'GET', path: '/v1/me/plan' }),
  'PUT /v1/me/plan': () => ({ method: 'PUT', path: '/v1/me/plan', body: { plan: 'unlimited' } }),
  'GET /v1/me/usage': () => ({ method: 'GET', path: '/v1/me/usage' }),
  'GET /v1/me/limits': () => ({ method: 'GET', path: '/v1/me/limits' }),
  'GET /v1/me/export': () => ({ method: 'GET', path: '/v1/me/export' }),
  'DELETE /v1/me': () => ({ method: 'DELETE', path: '/v1/me?confirm=somebody' }),
  'GET /v1/me/referrals': () => ({ method: 'GET', path: '/v1/me/referrals' }),
  'PATCH /v1/me': () => ({ method: 'PATCH', path: '/v1/me', body: { settings: { theme: 'dark' } } }),
  'GET /admin/cache': () => ({ method: 'GET', path: '/admin/cache' }),
  'PUT /admin/cache': () => ({ method: 'PUT', path: '/admin/cache', body: { ttl_seconds: 300 } }),
  'DELETE /admin/cache': () => ({ method: 'DELETE', path: '/admin/cache' }),
  'DELETE /admin/cache/:user_id': () => ({ method: 'DELETE', path: `/admin/cache/${newId()}` }),
  'GET /v1/notifications': () => ({ method: 'GET', path: '/v1/notifications' }),
  'POST /v1/notifications/:notification_id/read': ({ notificationId }) => ({
    method: 'POST',
    path: `/v1/notifications/${notificationId}/read`,
  }),
  'POST /v1/notifications/read-all': () => ({ method: 'POST', path: '/v1/notifications/read-all' }),
  'GET /v1/notifications/preferences': () => ({ method: 'GET', path: '/v1/notifications/preferences' }),
  'PUT /v1/notifications/preferences': () => ({
    method: 'PUT',
    path: '/v1/notifications/preferences',
    body: { preferences: { welcome: { in_app: true, email: false } } },
  }),
  'GET /admin/users': () => ({ method: 'GET', path: '/admin/users' }),
  'PATCH /admin/users/:user_id': () => ({
    method: 'PATCH',
    path: `/admin/users/${newId()}`,
    body: { disabled: false },
  }),
  'GET /admin/jobs': () => ({ method: 'GET', path: '/admin/jobs' }),
  'POST /admin/jobs/:job_id/retry': () => ({ method: 'POST', path: '/admin/jobs/999999999/retry' }),
  'DELETE /admin/jobs/:job_id': () => ({ method: 'DELETE', path: '/admin/jobs/999999999' }),
  'GET /v1/models': () => ({ method: 'GET', path: '/v1/models' }),
  'GET /v1/models/:model': () => ({ method: 'GET', path: '/v1/models/offline' }),
  'GET /v1/models/*': () => ({ method: 'GET', path: '/v1/models/some/name' }),
  ...listAssistantExamples(),
};

/** What routes take, said again: a route that comes to take something else is to be noticed. Assistants' are not here. */
const takers: Record<Permission, readonly string[]> = {
  'chat:read': [
    'GET /v1/chat/sessions',
    'GET /v1/chat/sessions/:session_id',
    'GET /v1/chat/sessions/:session_id/messages',
    'GET /v1/chat/sessions/:session_id/turns/:turn_id',
    'GET /v1/chat/sessions/:session_id/turns/:turn_id/events',
    'POST /v1/chat/messages/batch',
    'GET /api/:user_id/conversations/:conversation_id/messages',
    'GET /v1/models',
    'GET /v1/models/:model',
    'GET /v1/models/*',
  ],
  'chat:write': [
    'POST /v1/chat/sessions',
    'PATCH /v1/chat/sessions/:session_id',
    'DELETE /v1/chat/sessions/:session_id',
    'POST /v1/chat/sessions/:session_id/messages',
    'POST /v1/chat/sessions/:session_id/turns/:turn_id/stop',
    'POST /v1/chat/sessions/:session_id/turns/:turn_id/retry',
    'POST /v1/chat/completions',
    'POST /api/:user_id/chat',
  ],
  'keys:read': ['GET /v1/keys'],
  'keys:write': ['POST /v1/keys', 'PATCH /v1/keys/:key_id', 'DELETE /v1/keys/:key_id', 'POST /v1/keys/:key_id/rotate'],
  'account:read': [
    'GET /v1/me',
    'GET /v1/me/plan',
    'GET /v1/me/usage',
    'GET /v1/me/limits',
    'GET /v1/me/export',
    'GET /v1/me/referrals',
    'GET /v1/activity',
    'GET /v1/plans',
    'GET /v1/notifications',
    'GET /v1/notifications/preferences',
  ],
  'account:write': [
    'PATCH /v1/me',
    'DELETE /v1/me',
    'POST /v1/notifications/:notification_id/read',
    'POST /v1/notifications/read-all',
    'PUT /v1/notifications/preferences',
  ],
  admin: [
    'PUT /v1/me/plan',
    'GET /admin/cache',
    'PUT /admin/cache',
    'DELETE /admin/cache',
    'DELETE /admin/cache/:user_id',
    'GET /admin/users',
    'PATCH /admin/users/:user_id',
    'GET /admin/jobs',
    'POST /admin/jobs/:job_id/retry',
    'DELETE /admin/jobs/:job_id',
  ],
};

/** The permission that each route takes: an assistant's, whichever are there, that to read or to write chats. */
export const routePermissions: Readonly<Record<string, Permission>> = Object.fromEntries([
  ...Object.keys(listAssistantExamples()).map((name) => [name, name.startsWith('GET ') ? 'chat:read' : 'chat:write']),
  ...Object.entries(takers).flatMap(([permission, names]) => names.map((name) => [name, permission])),
]);
