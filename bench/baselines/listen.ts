import type { AddressInfo } from 'node:net';
import type { FastifyInstance } from 'fastify';

/** Listens on a free port of 127.0.0.1 and writes it as the first line of the output. */
export async function listen(server: FastifyInstance): Promise<void> {
  await server.listen({ host: '127.0.0.1', port: 0 });
  process.stdout.write(`${(server.server.address() as AddressInfo).port}\n`);
}
