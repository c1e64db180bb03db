import { parseArgs } from 'node:util';
import { Pool } from 'pg';

/** The pool of a baseline's command line: `--database-url <url> --pool-size <count>`, beside what is its own. */
export function openPool(): Pool {
  const { values } = parseArgs({
    options: {
      'database-url': { type: 'string' },
      'pool-size': { type: 'string', default: '10' },
      'provider-url': { type: 'string' },
    },
  });
  if (values['database-url'] === undefined) throw new Error('--database-url is missing');
  // Connections stay for the whole run: making them anew would be held against the baseline.
  return new Pool({ connectionString: values['database-url'], max: Number(values['pool-size']), idleTimeoutMillis: 0 });
}

/** The rows that a baseline writes; what it answers with is what Evenkeel answers with. */
export const SESSION_COLUMNS = 'id, title, assistant, model, message_count, created_at, updated_at';

/** The schema of `POST /v1/chat/sessions`, so that the baseline validates and serialises as Fastify does best. */
export const createSessionSchema = {
  body: {
    type: 'object',
    additionalProperties: false,
    properties: { title: { type: 'string', maxLength: 200 } },
  },
  response: {
    201: {
      type: 'object',
      properties: {
        id: { type: 'string' },
        title: { type: ['string', 'null'] },
        assistant: { type: ['string', 'null'] },
        model: { type: ['string', 'null'] },
        message_count: { type: 'integer' },
        created_at: { type: 'string' },
        updated_at: { type: 'string' },
      },
    },
  },
} as const;
