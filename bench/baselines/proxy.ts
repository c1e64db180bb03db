/** Fastify and undici: completions passed through to a provider, with nothing else. `--provider-url http://…/v1` */
import { parseArgs } from 'node:util';
import fastify from 'fastify';
import { Pool } from 'undici';
import { listen } from './listen.ts';

const { values } = parseArgs({ options: { 'provider-url': { type: 'string' } } });
if (values['provider-url'] === undefined) throw new Error('--provider-url is missing');
const { origin, pathname } = new URL(values['provider-url']);
const provider = new Pool(origin, { connections: 256 });
const server = fastify();
// The body goes on as it came.
server.removeAllContentTypeParsers();
server.addContentTypeParser('*', (_request, payload, done) => done(null, payload));

server.post('/v1/chat/completions', async (request, reply) => {
  const { statusCode, headers, body } = await provider.request({
    method: 'POST',
    path: `${pathname}/chat/completions`,
    headers: { 'content-type': 'application/json' },
    body: request.body as NodeJS.ReadableStream & import('node:stream').Readable,
  });
  reply.code(statusCode).header('content-type', headers['content-type']);
  // A whole answer goes on in one piece, as ours does.
  const isStream = String(headers['content-type']).startsWith('text/event-stream');
  return reply.send(isStream ? body : await body.text());
});

await listen(server);
