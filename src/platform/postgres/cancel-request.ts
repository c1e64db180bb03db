import type { EventEmitter } from 'node:events';
import type { Socket } from 'node:net';
import pg from 'pg';

/** The parts of pg's connection that its type declarations leave out. */
interface WireConnection extends EventEmitter {
  readonly stream: Socket;
  connect(portOrPath: number | string, host?: string): void;
  requestSsl(): void;
  cancel(processId: number, secretKey: number): void;
}

interface ConnectedClient {
  readonly processID: number | null;
  readonly secretKey: number | null;
}

/** A cancel request on its way. */
export interface CancelRequest {
  /** True once the server has acted on the request and closed its connection; false when that connection failed. */
  readonly delivered: Promise<boolean>;
  /** Gives up. */
  abandon(): void;
}

/**
 * Asks the server, on a connection of its own as the protocol wants it, to cancel what `client` is running. pg's own
 * `Client.cancel` skips TLS and leaves a failing connection's error unhandled.
 *
 * The server closes that connection only after it has signalled the process that runs the statement, so once `delivered`
 * is true and the statement has ended, the request can hit nothing that is run later.
 */
export function requestCancel(client: pg.Client): CancelRequest {
  const { processID, secretKey } = client as unknown as ConnectedClient;
  const connection = new pg.Connection({ ssl: client.ssl }) as unknown as WireConnection;
  const { promise: delivered, resolve } = Promise.withResolvers<boolean>();
  const send = (): void => connection.cancel(processID ?? 0, secretKey ?? 0);
  connection.on('connect', () => (client.ssl ? connection.requestSsl() : send()));
  connection.on('sslconnect', send);
  const abandon = (): void => {
    resolve(false);
    connection.stream.destroy();
  };
  connection.on('error', abandon);
  connection.on('end', () => resolve(true));
  const host = client.host ?? 'localhost';
  if (host.startsWith('/')) connection.connect(`${host}/.s.PGSQL.${client.port}`);
  else connection.connect(client.port, host);
  return { delivered, abandon };
}
