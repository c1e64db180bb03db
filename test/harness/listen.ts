import { once } from 'node:events';
import type { AddressInfo, Server } from 'node:net';

/** Has a server listen on 127.0.0.1, on a port that is free unless one is given; answers which. */
export async function listen(server: Server, port = 0): Promise<number> {
  await once(server.listen(port, '127.0.0.1'), 'listening');
  return (server.address() as AddressInfo).port;
}
