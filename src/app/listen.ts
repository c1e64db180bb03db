import { lookup } from 'node:dns/promises';
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
 * The one address that a name stands for, the IPv4 one of two. Fastify would listen on every address of `localhost`, with
 * servers of its own that know nothing of draining and of refusals.
 */
async function resolve({ host, port }: Address): Promise<Address> {
  const { address } = await lookup(host, { order: 'ipv4first' });
  return { host: address, port };
}

/**
 * Looks whether a server could listen there, before a database is started and migrated for it.
 * @throws Error that names the variables when it could not.
 */
export async function checkAddress(address: Address): Promise<void> {
  const server = createServer();
  try {
    server.listen(await resolve(address));
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
    return await http.listen(await resolve(address));
  } catch (cause) {
    throw failureOf(address, cause);
  }
}
