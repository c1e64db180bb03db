import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { listen } from './listen.ts';

/** What happens to the bytes: they pass; they are taken and lost; connections are cut, new ones at once. */
export type FaultMode = 'pass' | 'black-hole' | 'reset';

/** A TCP proxy whose network can be broken and mended. */
export interface FaultProxy {
  /** The URL of the server behind it, by way of the proxy. */
  readonly url: string;
  /** From now on, for the connections there are and those to come. What was lost stays lost. */
  setMode(mode: FaultMode): void;
  /** What the connections there are carry from now on is lost, as when the network has forgotten them. New ones pass. */
  forget(): void;
  /** Once: the connection that carries this text to the server is cut by the first of the reply. All others go on. */
  loseReplyTo(text: string): void;
  close(): Promise<void>;
}

/** Starts a proxy on a free port in front of the server that a URL names. */
export async function startFaultProxy(targetUrl: string): Promise<FaultProxy> {
  const target = new URL(targetUrl);
  const sockets = new Set<Socket>();
  const forgotten = new WeakSet<Socket>();
  let mode: FaultMode = 'pass';
  let unanswered: string | undefined;

  const isSwallowed = (from: Socket): boolean => mode === 'black-hole' || forgotten.has(from);

  function join(from: Socket, to: Socket): void {
    sockets.add(from);
    // No word on the other side of a black hole, not even of the end.
    from.on('data', (bytes) => {
      if (!isSwallowed(from)) to.write(bytes);
    });
    from.on('end', () => {
      if (!isSwallowed(from)) to.end();
    });
    from.on('close', () => {
      sockets.delete(from);
      if (!isSwallowed(from)) to.destroy();
    });
    from.on('error', () => from.destroy());
  }

  const server = createServer({ allowHalfOpen: true }, (near) => {
    if (mode === 'reset') {
      near.resetAndDestroy();
      return;
    }
    const far = connect({ port: Number(target.port), host: target.hostname, allowHalfOpen: true });
    near.on('data', (bytes) => {
      if (unanswered === undefined || !bytes.includes(unanswered)) return;
      unanswered = undefined;
      far.removeAllListeners('data').once('data', () => near.resetAndDestroy());
    });
    join(near, far);
    join(far, near);
  });
  const port = await listen(server);
  const url = new URL(targetUrl);
  url.host = `127.0.0.1:${port}`;

  return {
    url: url.href,
    setMode(next) {
      mode = next;
      if (mode === 'reset') for (const socket of sockets) socket.resetAndDestroy();
    },
    forget() {
      for (const socket of sockets) forgotten.add(socket);
    },
    loseReplyTo(text) {
      unanswered = text;
    },
    async close() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}
