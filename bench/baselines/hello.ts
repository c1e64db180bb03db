/** Fastify's hello world. */
import fastify from 'fastify';
import { listen } from './listen.ts';

const server = fastify();
const schema = { response: { 200: { type: 'object', properties: { hello: { type: 'string' } } } } };
server.get('/', { schema }, async () => ({ hello: 'world' }));
await listen(server);
