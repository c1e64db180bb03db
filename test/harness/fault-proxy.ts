import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

/**
 * What happens to the bytes: they pass; they are taken and lost; connections are cut, new ones at once; those to the server
 * pass, and the first of its reply cuts the connection.
 */
export type FaultMode = 'pass' | 'black-hole' | 'reset' | 'kill-after-send';

/** A TCP proxy whose network can be broken and mended. */
export interface FaultProxy {
  /** The URL of the server behind it, by way of the proxy. */
  readonly url: string;
  /** From now on, for the connections there are and those to come. What was lost stays lost. */
  setMode(mode: FaultMode): void;
  close(): Promise<void>;
}

/** Starts a proxy on a free port in front of the server that a URL names. */
export async function startFaultProxy(targetUrl: string): Promise<FaultProxy> {
  const target = new URL(targetUrl);
  const sockets = new Set<Socket>();
  let mode: FaultMode = 'pass';

  function join(from: Socket, to: Socket, isReply: boolean): void {
    sockets.add(from);
    // No word on the other side of a black hole, not even of the end.
    from.on('data', (bytes) => {
      if (mode === 'kill-after-send' && isReply) to.resetAndDestroy();
      else if (mode !== 'black-hole') to.write(bytes);
    });
    from.on('close', () => {
      sockets.delete(from);
      if (mode !== 'black-hole') to.destroy();
    });
    from.on('error', () => from.destroy());
  }

  const server = createServer((near) => {
    if (mode === 'reset') {
      near.resetAndDestroy();
      return;
    }
    const far = connect(Number(target.port), target.hostname);
    join(near, far, false);
    join(far, near, true);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = new URL(targetUrl);
  url.host = `127.0.0.1:${(server.address() as AddressInfo).port}`;

  return {
    url: url.href,
    setMode(next) {
      mode = next;
      if (mode === 'reset') for (const socket of sockets) socket.resetAndDestroy();
    },
    async close() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}
