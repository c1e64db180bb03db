import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { listen } from './listen.ts';

/** What happens to the bytes: they pass; they are taken and lost; connections are cut, new ones at once. */
export type FaultMode = 'pass' | 'black-hole' | 'reset';

/** A TCP proxy whose network can be broken and mended. */
export interface FaultProxy {
  /** The URL of the server behind it, by way of the proxy. */
  readonly url: string;
  /** From now on, for the connections there are and those to come. One on which something was lost is forgotten. */
  setMode(mode: FaultMode): void;
  /** What the connections there are carry from now on is lost, as when the network has forgotten them. New ones pass. */
  forget(): void;
  /** Once: the connection that carries this text to the server is cut by the first of the reply. All others go on. */
  loseReplyTo(text: string): void;
  /** Once: the connection on which the server's reply has this text is cut in its place. All others go on. */
  loseReplyWith(text: string): void;
  close(): Promise<void>;
}

/** A text to be found once. */
class SoughtText {
  text: string | undefined;

  isIn(bytes: Buffer): boolean {
    if (this.text === undefined || !bytes.includes(this.text)) return false;
    this.text = undefined;
    return true;
  }
}

/** Starts a proxy on a free port in front of the server that a URL names. */
export async function startFaultProxy(targetUrl: string): Promise<FaultProxy> {
  const target = new URL(targetUrl);
  const sockets = new Set<Socket>();
  const forgotten = new WeakSet<Socket>();
  let mode: FaultMode = 'pass';
  const [unanswered, untold] = [new SoughtText(), new SoughtText()];

  function join(from: Socket, to: Socket): void {
    sockets.add(from);
    // No word on the other side of a black hole, not even of the end. What comes later would never be told without what was lost.
    const loses = (): boolean => {
      if (mode === 'black-hole') for (const side of [from, to]) forgotten.add(side);
      return forgotten.has(from);
    };
    from.on('data', (bytes) => {
      if (!loses()) to.write(bytes);
    });
    from.on('end', () => {
      if (!loses()) to.end();
    });
    from.on('close', () => {
      sockets.delete(from);
      if (!loses()) to.destroy();
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
      if (unanswered.isIn(bytes)) far.removeAllListeners('data').once('data', () => near.resetAndDestroy());
    });
    far.on('data', (bytes) => {
      if (untold.isIn(bytes)) near.resetAndDestroy();
    });
    join(near, far);
    join(far, near);
  });
  const port = await listen(server);
  const url = Object.assign(new URL(targetUrl), { host: `127.0.0.1:${port}` });

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
      unanswered.text = text;
    },
    loseReplyWith(text) {
      untold.text = text;
    },
    async close() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}
