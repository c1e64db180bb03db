import cors from '@fastify/cors';
import type { FastifyInstance } from 'fastify';
import { isOrigin } from '../../base/is-origin.ts';
import { METHODS } from './answer-errors.ts';

/** What a page may read of an answer besides its body: all that errors and the documentation tell clients to read. */
const EXPOSED_HEADERS = [
  'x-request-id',
  'server-timing',
  'retry-after',
  'retry-after-ms',
  'etag',
  'location',
  'allow',
  'idempotent-replayed',
  'x-should-retry',
  'x-ratelimit-limit-requests',
  'x-ratelimit-remaining-requests',
  'x-ratelimit-reset-requests',
  'ratelimit',
  'ratelimit-policy',
];

/**
 * Lets pages of the listed origins call the server, and no others. Credentials travel in headers, never in cookies.
 * @throws Error for an entry that is no origin: `*` above all.
 */
export function allowOrigins(server: FastifyInstance, origins: readonly string[]): void {
  for (const origin of origins) {
    if (isOrigin(origin)) continue;
    throw new Error(`CORS takes a list of exact origins, such as https://app.example.com; this is none: ${origin}`);
  }
  if (origins.length === 0) return;
  server.register(cors, {
    origin: [...origins],
    methods: [...METHODS],
    exposedHeaders: EXPOSED_HEADERS,
    maxAge: 600,
    strictPreflight: false,
  });
}
