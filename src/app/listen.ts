import { lookup } from 'node:dns/promises';
import { once } from 'node:events';
import { connect } from 'node:net';
import type { FastifyInstance } from 'fastify';

/** Where a server listens. */
interface Address {
  readonly host: string;
  readonly port: number;
}

/** What to do about each reason; any other is one of the address. */
const WHAT_TO_DO: Readonly<Record<string, string>> = {
  EADDRINUSE: 'set PORT or HOST, or stop what uses it',
  EACCES: 'set PORT to one that this user may take, such as 8000',
};

function failureOf({ host, port }: Address, cause: unknown): Error {
  const reason = (cause as NodeJS.ErrnoException).code ?? String(cause);
  const advice = WHAT_TO_DO[reason] ?? 'set HOST to an address of this machine';
  return new Error(`cannot listen on ${host}:${port} (${reason}): ${advice}`, { cause });
}

/**
 * The one address that a name stands for, the IPv4 one of two. Fastify would listen on every address of `localhost`, with
 * servers of its own that know nothing of draining and of refusals.
 */
async function resolve(host: string): Promise<string> {
  const { address } = await lookup(host, { order: 'ipv4first' });
  return address;
}

/**
 * Looks whether a server could listen there, before a database is started and migrated for it. Nobody can connect meanwhile: a
 * proxy that is waiting for this server would send it a request, of which it could not know whether it was done.
 * @throws Error that names the variables when it could not.
 */
export async function checkAddress(address: Address): Promise<void> {
  try {
    const host = await resolve(address.host);
    // A connection to nowhere, for Node binds an address without listening only for one that connects.
    const socket = connect({ host, port: 0, localAddress: host, localPort: address.port });
    const [failure] = (await once(socket, 'error')) as [NodeJS.ErrnoException];
    if (failure.syscall === 'bind') throw failure;
  } catch (cause) {
    throw failureOf(address, cause);
  }
}

/**
 * Has the server listen there. Answers where programs on this machine reach it: `http://host:port`.
 * @throws Error that names the variables when it cannot; what is wrong with the server itself, as that says it.
 */
export async function listen(http: Pick<FastifyInstance, 'listen' | 'ready'>, address: Address): Promise<string> {
  await http.ready();
  try {
    const heardAt = await http.listen({ host: await resolve(address.host), port: address.port });
    // All addresses are none that one can connect to everywhere. Of 0.0.0.0 Fastify sees to that itself.
    return heardAt.replace('//[::]:', '//[::1]:');
  } catch (cause) {
    throw failureOf(address, cause);
  }
}
