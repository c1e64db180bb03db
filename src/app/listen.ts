import { once } from 'node:events';
import { createServer } from 'node:net';
import type { FastifyInstance } from 'fastify';

/** Where a server listens. */
interface Address {
  readonly host: string;
  readonly port: number;
}

function failureOf({ host, port }: Address, cause: unknown): Error {
  const reason = (cause as NodeJS.ErrnoException).code ?? cause;
  return new Error(`cannot listen on ${host}:${port} (${reason}): set PORT or HOST, or stop what uses it`, { cause });
}

/**
 * Looks whether a server could listen there, before a database is started and migrated for it.
 * @throws Error that names the variables when it could not.
 */
export async function checkAddress(address: Address): Promise<void> {
  const server = createServer();
  try {
    server.listen({ host: address.host, port: address.port });
    await once(server, 'listening');
  } catch (cause) {
    throw failureOf(address, cause);
  }
  server.close();
  await once(server, 'close');
}

/**
 * Has the server listen there. Answers where: `http://host:port`.
 * @throws Error that names the variables when it cannot.
 */
export async function listen(http: Pick<FastifyInstance, 'listen'>, address: Address): Promise<string> {
  try {
    return await http.listen({ host: address.host, port: address.port });
  } catch (cause) {
    throw failureOf(address, cause);
  }
}
